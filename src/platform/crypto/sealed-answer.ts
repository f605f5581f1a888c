import { hkdfSync } from 'node:crypto';
import { KEY_BYTES, seal, unseal } from './sealing.js';

const PURPOSE = 'wheelhouse idempotency answer';

const keyFor = (secret: string, salt: Buffer): Buffer => Buffer.from(hkdfSync('sha256', secret, salt, PURPOSE, KEY_BYTES));

/**
 * Encrypts a stored answer (AES-256-GCM) under a key that only the holder of `secret` can make: the database keeps the
 * hash of the Idempotency-Key alone, so who has the tenant's key as well does not see the tokens that some answers carry.
 */
export const sealAnswer = (plain: string, secret: string, salt: Buffer): Buffer => seal(keyFor(secret, salt), Buffer.from(plain), PURPOSE);

/** @throws Error when the bytes were changed or the secret is another */
export const openAnswer = (sealed: Buffer, secret: string, salt: Buffer): string => unseal(keyFor(secret, salt), sealed, PURPOSE).toString('utf8');
