import { v7, validate, version } from 'uuid';

/** The tenant of the operator: its admins manage every tenant. The same id in every installation. */
export const OPERATOR_TENANT_ID = '00000000-0000-7000-8000-000000000001';

/** A new UUIDv7 (RFC 9562): sorts by the time of its making, so that keys in an index stay close together. */
export function newId(): string {
  return v7();
}

/** Whether a string is a UUID of any version, in its usual 36-character form. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && validate(value) && version(value) !== 0;
}

/** The lowest UUIDv7 of a moment: ids that are not below it were made at it or later, by the clocks of those who made them. */
export function firstIdAt(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
