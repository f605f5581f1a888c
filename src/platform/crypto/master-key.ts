import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { KEY_BYTES, seal, unseal } from './sealing.js';

/** What tenants' keys are wrapped under. It never leaves its holder: this process, or a key service. */
export interface MasterKey {
  /** Says which it is, and nothing about it. */
  readonly id: string;
  /** Whether it is asked over the network. */
  readonly isFarAway: boolean;
  /** @param about what is wrapped, without which it cannot be unwrapped */
  wrap(key: Buffer, about: string): Promise<Buffer>;
  /** @throws Error when it was wrapped under another key, for something else, or changed */
  unwrap(wrapped: Buffer, about: string): Promise<Buffer>;
}

/** A master key in this process's memory. */
export class LocalMasterKey implements MasterKey {
  readonly id: string;
  readonly isFarAway = false;
  private readonly key: Buffer;

  constructor(secret: Buffer) {
    this.key = Buffer.from(hkdfSync('sha256', secret, '', 'wheelhouse master key', KEY_BYTES));
    this.id = `local:${createHmac('sha256', this.key).update('wheelhouse master key id').digest('hex').slice(0, 16)}`;
  }

  async wrap(key: Buffer, about: string): Promise<Buffer> {
    return seal(this.key, key, about);
  }

  async unwrap(wrapped: Buffer, about: string): Promise<Buffer> {
    return unseal(this.key, wrapped, about);
  }
}

/** Of 32 random bytes about 30 differ from each other; fewer than 20 do not happen. */
const FEWEST_DIFFERENT = 20;

/** The text of a new master key. */
export const newMasterKey = (): string => randomBytes(KEY_BYTES).toString('hex');

/** Master keys as they are written: 32 bytes each, in hex or base64; the first is the current one, lines with # are remarks. */
export function masterKeyTexts(text: string): string[] {
  return text.split('\n').flatMap((line) => line.replace(/#.*$/, '').split(/[\s,]+/).filter(Boolean));
}

/** The bytes of one, or undefined when it has another form or anyone could guess it. */
export function masterKeyBytes(text: string): Buffer | undefined {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  return bytes?.length === KEY_BYTES && !isWeak(bytes) && !isWeak(Buffer.from(text)) && !isWriting(text) ? bytes : undefined;
}

/** Whether every one of them can be used, and there is one. */
export function areMasterKeys(text: string): boolean {
  const texts = masterKeyTexts(text);
  return texts.length > 0 && texts.every((one) => masterKeyBytes(one));
}

/** Words that people put into placeholders; by chance one stands in one of a million keys. */
const WORDS = /change|secret|passw|master|example|wheelhouse|default/i;

/** A passphrase happens to be base64 when it has the length. In 43 random characters of it both cases are there. */
const isWriting = (text: string): boolean => !/^[0-9a-f]{64}$/i.test(text) && (WORDS.test(text) || !/[a-z]/.test(text) || !/[A-Z]/.test(text));

/** What no generator of random bytes makes: the same few bytes again and again, or bytes in a row. */
function isWeak(bytes: Buffer): boolean {
  const steps = new Map<number, number>();
  for (let index = 1; index < bytes.length; index += 1) {
    const step = ((bytes[index] ?? 0) - (bytes[index - 1] ?? 0)) & 0xff;
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  const inARow = Math.max(...steps.values()) > bytes.length / 2;
  return inARow || (bytes.length === KEY_BYTES && new Set(bytes).size < FEWEST_DIFFERENT);
}
