import { createHmac, randomBytes } from 'node:crypto';

/**
 * Signatures of Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks, specification of 2023): HMAC-SHA256
 * over id, time and body, joined by dots, in base64 behind `v1,`.
 */
const PREFIX = 'whsec_';
const NEW_SECRET_BYTES = 32;

/** A new secret: `whsec_` and 32 random bytes in base64. */
export const newWebhookSecret = (): string => `${PREFIX}${randomBytes(NEW_SECRET_BYTES).toString('base64')}`;

/** The key behind a secret: of one that begins with `whsec_` the bytes that its base64 stands for, of any other its own. */
export function keyOf(secret: string): Buffer {
  if (!secret.startsWith(PREFIX)) return Buffer.from(secret, 'utf8');
  const text = secret.slice(PREFIX.length);
  const key = Buffer.from(text, 'base64');
  return key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') && key.length > 0 ? key : Buffer.from(secret, 'utf8');
}

/** @param seconds since 1970, as the header says them */
export function signatureOf(secret: string, id: string, seconds: number | string, body: string | Buffer): string {
  return `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${seconds}.`).update(body).digest('base64')}`;
}

/** Headers of a message: signed with each secret that is valid now, the newest first. */
export function signedHeaders(secrets: readonly string[], id: string, at: Date, body: string): Record<string, string> {
  const seconds = Math.floor(at.getTime() / 1000);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    ...(secrets.length === 0 ? {} : { 'webhook-signature': secrets.map((secret) => signatureOf(secret, id, seconds, body)).join(' ') }),
  };
}
