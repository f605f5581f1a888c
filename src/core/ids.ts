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
