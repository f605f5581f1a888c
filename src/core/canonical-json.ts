import { createHash } from 'node:crypto';

/** Deeper than this is no data anyone wrote by hand or by plan. */
const DEEPEST = 64;

/**
 * The one text of a JSON value (RFC 8785, JSON Canonicalization Scheme): members sorted by the UTF-16 code units of
 * their names, no white space, numbers and strings as ECMAScript writes them. Two values have the same text exactly
 * when they are the same value, so a hash of it says what was approved.
 * @throws TypeError for what is no JSON (NaN, a function, a date) or no Unicode (a lone surrogate), or nested too deep
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/** SHA-256 of the canonical text, in hexadecimal. */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex');
}

function write(value: unknown, depth: number): string {
  if (depth > DEEPEST) throw new TypeError(`JSON may be nested ${DEEPEST} deep at most.`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return writeNumber(value);
  if (Array.isArray(value)) return `[${Array.from(value, (item: unknown) => write(item, depth + 1)).join(',')}]`;
  if (isPlainObject(value)) return writeObject(value, depth);
  throw new TypeError(`A ${typeof value} is no JSON value.`);
}

function writeString(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('A string contains a lone surrogate.');
  return JSON.stringify(value);
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('A number must be finite.');
  return JSON.stringify(value);
}

/** Members without a value are left out, as JSON does. */
function writeObject(value: Record<string, unknown>, depth: number): string {
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  // The default order of sort() is the one that RFC 8785, section 3.2.3, asks for: by UTF-16 code units.
  return `{${names.sort().map((name) => `${writeString(name)}:${write(value[name], depth + 1)}`).join(',')}}`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
