import { ValidateBy, type ValidationOptions } from 'class-validator';

const DATE = String.raw`\d{4}-\d\d-\d\d`;
const INSTANT = new RegExp(String.raw`^${DATE}T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$`, 'i');
const DAY = new RegExp(`^${DATE}$`);

const [FIRST, LAST] = ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'].map((time) => Date.parse(time)) as [number, number];

/**
 * Whether a text names one moment, whatever the time zone of whoever reads it: RFC 3339, or a day (its start in UTC). It has to
 * be one in UTC that can be written so as well: the last day of 9999 ends in the year 10000 west of Greenwich.
 */
export function isInstant(value: unknown, dayAllowed = false): value is string {
  if (typeof value !== 'string' || !(INSTANT.test(value) || (dayAllowed && DAY.test(value)))) return false;
  const day = new Date(`${value.slice(0, 10)}T00:00:00Z`);
  // The 31st of February would silently become the 3rd of March.
  const moment = Date.parse(value);
  return moment >= FIRST && moment <= LAST && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value.slice(0, 10));
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
