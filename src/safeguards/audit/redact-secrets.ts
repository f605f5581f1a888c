import { hash } from 'node:crypto';

export const REDACTED = '[redacted]';

/** Words in a field's name that say its value is a secret, or leads to one. Plurals are meant too. */
const SECRET_WORDS = new Set([
  'apikey', 'auth', 'authorization', 'bearer', 'cookie', 'credential', 'csrf', 'hash', 'jwt', 'key', 'otp', 'otpauth', 'passphrase',
  'passwd', 'password', 'pin', 'pwd', 'salt', 'secret', 'signature', 'token', 'totp',
]);
/** Fields whose name has such a word and whose value is none: fingerprints of content, names of settings and limits. */
const HARMLESS = new Set(['action_hash', 'content_hash', 'auth_mode', 'auth_method']);
/** A short number can be a secret under these words alone: `max_tokens: 4096` is none. */
const NUMERIC_SECRETS = new Set(['otp', 'totp', 'pin', 'password', 'passphrase', 'passwd', 'pwd']);

/**
 * Secrets that are known by their own form, wherever they stand: our tokens, JWTs, bearer headers, passwords in URLs, private keys.
 * None of them may look far ahead from each of many places, or a text would take quadratic time: hence the bound and the look-behind.
 */
const SECRET_TEXTS: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\bwh[a-z]_[A-Za-z0-9]{8,}/g, REDACTED],
  [/\beyJ[\w-]{5,800}\.[\w-]+\.[\w-]*/g, REDACTED],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/((?<![a-z0-9+.-])[a-z0-9+.-]+:\/\/[^\s/:@]*:)[^\s/@]+@/gi, `$1${REDACTED}@`],
  [/([?&](?:token|access_token|jwt|key|api_key|code|secret|password|sig|signature)=)[^&#\s]*/gi, `$1${REDACTED}`],
];

const LONGEST_TEXT = 20_000;
/** Read beyond the longest text, so that a secret is known that begins before its end. */
const MARGIN = 2_000;
const DEEPEST = 32;

/**
 * A copy of a value as it may stand in the audit log: what a field's name or a text's own form gives away as a secret
 * is replaced, at every depth. Bytes are never shown; a null under a secret's name stays, because it says "none".
 */
export function redactSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return REDACTED;
  if (depth >= DEEPEST) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redactSecrets(item, depth + 1));
  return redactObject(value, depth);
}

function redactObject(value: object, depth: number): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(value)) result[redactText(name)] = isSecret(name, member) ? REDACTED : redactSecrets(member, depth + 1);
  return result;
}

function redactText(text: string): string {
  let result = text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT + MARGIN) : text;
  for (const [pattern, replacement] of SECRET_TEXTS) result = result.replace(pattern, replacement);
  if (text.length > LONGEST_TEXT) result = `${result.slice(0, LONGEST_TEXT)}… [${text.length} characters; SHA-256 of those behind the first ${LONGEST_TEXT}: ${hash('sha256', text.slice(LONGEST_TEXT))}]`;
  // No half of a character: it has no place in a text that is hashed.
  return result.toWellFormed();
}

function isSecret(name: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'boolean' || HARMLESS.has(name)) return false;
  const words = wordsOf(name);
  if (typeof value === 'number' || typeof value === 'bigint') return words.some((word) => NUMERIC_SECRETS.has(word));
  return words.some((word) => SECRET_WORDS.has(word)) || /recovery_?codes?$/i.test(name);
}

/** `apiKeyHash`, `api-key-hash` and `API_KEYS_HASH` are the words api, key, hash. */
function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .flatMap((word) => [word, word.replace(/(?<=[^s])s$/, ''), word.replace(/(?<=sh)es$/, '')]);
}
