import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM_LENGTH = 6;

/** 62-ary digits of a number, left-padded. */
function base62(value: bigint, length: number): string {
  let rest = value;
  let text = '';
  while (rest > 0n || text.length < length) {
    text = ALPHABET.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}

const checksumOf = (body: string): string => base62(BigInt(crc32(body)), CHECKSUM_LENGTH);

/**
 * A new secret token: prefix, 192 random bits, and a CRC-32 in base 62, so that a mistyped or cut token is refused
 * without a look-up and scanners recognise a leaked one.
 * @returns the token, to be shown once, and what is stored of it
 */
export function newToken(prefix: string): { token: string; hash: Buffer; shown: string } {
  const body = `${prefix}${base62(BigInt(`0x${randomBytes(24).toString('hex')}`), 33)}`;
  const token = `${body}${checksumOf(body)}`;
  return { token, hash: hashToken(token), shown: token.slice(0, prefix.length + 6) };
}

/** Whether a token has the form and checksum of one that `newToken` made. */
export function isWellFormedToken(token: string, prefix: string): boolean {
  if (!token.startsWith(prefix) || token.length < prefix.length + CHECKSUM_LENGTH + 20) return false;
  const body = token.slice(0, -CHECKSUM_LENGTH);
  return checksumOf(body) === token.slice(-CHECKSUM_LENGTH);
}

/** SHA-256: enough for tokens of 128 random bits or more, which nobody can guess through a slow or a fast hash. */
export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** Compares two secrets in constant time, whatever their lengths. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(hashToken(a), hashToken(b));
}
