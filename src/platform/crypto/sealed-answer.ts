import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

const keyFor = (secret: string, salt: Buffer): Buffer => Buffer.from(hkdfSync('sha256', secret, salt, 'wheelhouse idempotency answer', 32));

/**
 * Encrypts a stored answer (AES-256-GCM) under a key that only the holder of `secret` can make: the database keeps the
 * hash of the Idempotency-Key alone, so a dump does not show the tokens that some answers carry.
 */
export function sealAnswer(plain: string, secret: string, salt: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyFor(secret, salt), iv);
  const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

/** @throws Error when the bytes were changed or the secret is another */
export function openAnswer(sealed: Buffer, secret: string, salt: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', keyFor(secret, salt), sealed.subarray(0, IV_BYTES));
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
}
