import { ValidateBy, type ValidationOptions } from 'class-validator';

const DATE = String.raw`\d{4}-\d\d-\d\d`;
const INSTANT = new RegExp(String.raw`^${DATE}T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$`, 'i');
const DAY = new RegExp(`^${DATE}$`);

/** Whether a text names one moment, whatever the time zone of whoever reads it: RFC 3339, or a day (its start in UTC). */
export function isInstant(value: unknown, dayAllowed = false): value is string {
  if (typeof value !== 'string' || !(INSTANT.test(value) || (dayAllowed && DAY.test(value)))) return false;
  const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  // The 31st of February would silently become the 3rd of March.
  return !Number.isNaN(Date.parse(value)) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value.slice(0, 10));
}

/** A moment as RFC 3339 writes it, with its offset from UTC. */
export function IsInstant({ dayAllowed = false, ...options }: ValidationOptions & { dayAllowed?: boolean } = {}): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isInstant',
      validator: {
        validate: (value: unknown) => isInstant(value, dayAllowed),
        defaultMessage: (args) => `${args?.property ?? 'value'} must be a time with its offset, such as 2026-01-31T09:30:00Z${dayAllowed ? ', or a day' : ''}`,
      },
    },
    options,
  );
}
