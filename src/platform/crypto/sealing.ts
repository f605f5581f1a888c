import { createCipheriv, createDecipheriv, createHmac, type KeyObject, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** AES-256-GCM: a fresh IV, the tag, the text; bound to `about`, without which it does not open. */
export function seal(key: Buffer | KeyObject, plaintext: Buffer, about: string): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(about));
  const text = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]);
}

/** @throws Error when the bytes were changed, or the key or what they are about is another */
export function unseal(key: Buffer | KeyObject, sealed: Buffer, about: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(about));
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
}

const SALT_BYTES = 16;

/**
 * As `seal`, for a key that seals without end: IVs of 96 random bits are safe for 2^32 texts under one key, which a busy tenant's
 * audit log has within a month. So each text has a key of its own, made of this one and a salt.
 */
export function sealSalted(key: KeyObject, plaintext: Buffer, about: string): Buffer {
  const salt = randomBytes(SALT_BYTES);
  return Buffer.concat([salt, seal(keyFor(key, salt), plaintext, about)]);
}

/** @throws Error as `unseal` does */
export function unsealSalted(key: KeyObject, sealed: Buffer, about: string): Buffer {
  return unseal(keyFor(key, sealed.subarray(0, SALT_BYTES)), sealed.subarray(SALT_BYTES), about);
}

const keyFor = (key: KeyObject, salt: Buffer): Buffer => createHmac('sha256', key).update('wheelhouse sealing').update(salt).digest();
