import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import type { Actor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { CSRF_HEADER, CsrfTokens } from '../../platform/auth/csrf-tokens.port.js';
import { SigningKey } from './signing-key.js';

/** Methods that change nothing (RFC 9110, section 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const NONCE_BYTES = 16;
const MAC_BYTES = 32;

/**
 * Signed double submit (OWASP CSRF Prevention Cheat Sheet): a random part and its HMAC with the session's id. Nothing is
 * stored; a token of another session, or one that was made up, does not fit.
 */
@Injectable()
export class SessionCsrfTokens extends CsrfTokens {
  constructor(private readonly key: SigningKey) {
    super();
  }

  make(sessionId: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    return Buffer.concat([nonce, mac(this.key.csrf, sessionId, nonce)]).toString('base64url');
  }

  isRight(sessionId: string, token: string): boolean {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length !== NONCE_BYTES + MAC_BYTES) return false;
    const [nonce, given] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES)];
    const keys = [this.key.csrf, ...(this.key.previousCsrf ? [this.key.previousCsrf] : [])];
    return keys.some((key) => timingSafeEqual(given, mac(key, sessionId, nonce)));
  }

  check(request: Request, actor: Actor): void {
    if (SAFE.has(request.method)) return;
    const token = request.headers[CSRF_HEADER];
    if (actor.kind === 'user' && typeof token === 'string' && this.isRight(actor.sessionId, token)) return;
    throw new Problem('csrf_failed');
  }
}

const mac = (key: Buffer, sessionId: string, nonce: Buffer): Buffer => createHmac('sha256', key).update(sessionId).update(nonce).digest();
