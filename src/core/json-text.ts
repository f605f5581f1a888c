/** What PostgreSQL's jsonb takes in no text: NUL, and halves of a surrogate pair (JSON.stringify escapes both). */
const REFUSED = /\\u(?:0000|d[89a-f])/i;

/**
 * JSON for a jsonb column, of values that come from outside or out of expressions: characters that the database refuses are
 * replaced by U+FFFD, in keys as in values, and nothing else is changed. `undefined` becomes null.
 */
export function toJsonText(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return REFUSED.test(text) ? JSON.stringify(cleaned(JSON.parse(text))) : text;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [cleanText(key), cleaned(member)]));
}

const cleanText = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');
