import { ValidateBy, type ValidationOptions } from 'class-validator';
import { rangeOf } from '../networks/ip-ranges.js';

/** An IPv4 or IPv6 address, or a CIDR range whose address has no bits behind its prefix. */
export function IsIpRange(options: ValidationOptions = {}): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isIpRange',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && rangeOf(value) !== undefined,
        defaultMessage: (args) => `${args?.property ?? 'value'} must be an IP address or a CIDR range such as 10.20.0.0/16, with no bits set behind the prefix`,
      },
    },
    options,
  );
}
