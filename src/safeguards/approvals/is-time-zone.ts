import { ValidateBy, type ValidationOptions } from 'class-validator';
import { isTimeZone } from './time-window.js';

/** A time zone of the IANA data base. */
export function IsTimeZone(options?: ValidationOptions): PropertyDecorator {
  return ValidateBy({ name: 'timeZone', validator: { validate: (value) => typeof value === 'string' && isTimeZone(value), defaultMessage: () => '$property must be a time zone, as Europe/Berlin' } }, options);
}
