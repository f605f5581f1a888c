import type { Request } from 'express';
import type { Actor } from '../../core/actor.js';

/** The header that carries the token. A page of another origin can neither read the token nor send the header. */
export const CSRF_HEADER = 'x-csrf-token';

/** Tokens that show that a request with a session cookie was meant by the page that holds the session. */
export abstract class CsrfTokens {
  abstract make(sessionId: string): string;
  abstract isRight(sessionId: string, token: string): boolean;
  /** @throws Problem `csrf_failed` for a write that does not carry a token of its own session */
  abstract check(request: Request, actor: Actor): void;
}
