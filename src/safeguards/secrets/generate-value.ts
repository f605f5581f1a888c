import { randomInt } from 'node:crypto';
import type { Charset, Generator } from './secret.entity.js';

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const ALPHABETS: Readonly<Record<Charset, string>> = {
  letters: LOWER + LOWER.toUpperCase(),
  digits: DIGITS,
  alphanumeric: LOWER + LOWER.toUpperCase() + DIGITS,
  hex: `${DIGITS}abcdef`,
  base64url: `${LOWER}${LOWER.toUpperCase()}${DIGITS}-_`,
  symbols: `${LOWER}${LOWER.toUpperCase()}${DIGITS}!#$%&()*+,-./:;<=>?@[]^_{|}~`,
};

export const DEFAULT_GENERATOR: Generator = { length: 40, charset: 'alphanumeric' };

/** A random value: each character is as likely as any other of its set. */
export function generateValue({ length, charset }: Generator): string {
  const alphabet = ALPHABETS[charset];
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}
