import { invalidField } from './problem.js';

/** One page of a list, as every list of the API answers it. */
export interface Page<T> {
  items: T[];
  /** Exact up to `TOTAL_EXACT_UP_TO`, an estimate beyond (then `total_is_estimate` is true). */
  total: number;
  total_is_estimate?: boolean;
  limit: number;
  offset: number;
  /** Opaque; give it back as `cursor` to go on. Null on the last page. */
  next_cursor: string | null;
}

export const TOTAL_EXACT_UP_TO = 10_000;
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 100;

/** What a list is asked for. `cursor` wins over `offset`. */
export interface PageRequest {
  limit: number;
  offset: number;
  cursor?: string;
}

/** The sort key of the last row of a page: one value for each column of the order, the id last. */
export type Keyset = readonly (string | number | null)[];

/** Base64url of the JSON array: opaque to clients, checked when it comes back. */
export function encodeCursor(keyset: Keyset): string {
  return Buffer.from(JSON.stringify(keyset)).toString('base64url');
}

/**
 * Reads a cursor of `length` values.
 * @throws Problem `invalid_request` when it is not one that this list made.
 */
export function decodeCursor(cursor: string, length: number): Keyset {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalidField('cursor', 'cursor', 'is not a cursor of this list');
  }
  const ok = Array.isArray(parsed) && parsed.length === length && parsed.every((v) => v === null || typeof v === 'string' || typeof v === 'number');
  if (!ok) throw invalidField('cursor', 'cursor', 'is not a cursor of this list');
  return parsed as Keyset;
}

/** A page with each item turned into its view. */
export function mapPage<A, B>(page: Page<A>, view: (item: A) => B): Page<B> {
  return { ...page, items: page.items.map(view) };
}
