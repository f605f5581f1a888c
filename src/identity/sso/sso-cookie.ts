import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { hashToken } from '../../platform/crypto/tokens.js';

/** Long enough to sign in at the provider, with a second factor. */
export const FLOW_SECONDS = 600;
const STEM = 'wheelhouse-sso-';
const VALUE = /^[\w-]{43}$/;
/** As many sign-ins as one browser may have under way; the rest of a request's cookies is not looked at. */
const MOST = 20;

/** Over https the browser itself makes sure that the cookie is this host's alone (RFC 6265bis, section 4.1.3.2). */
const prefixOf = (secure: boolean): string => `${secure ? '__Host-' : ''}${STEM}`;
const nameOf = (state: string, secure: boolean): string => `${prefixOf(secure)}${hashToken(state).toString('hex').slice(0, 12)}`;
const attributes = (secure: boolean) => ({ httpOnly: true, secure, sameSite: 'lax', path: '/' }) as const;

/** Gives the browser a secret of its own for one sign-in. @returns what is kept of it */
export function bindBrowser(response: Response, state: string, secure: boolean): Buffer {
  const secret = randomBytes(32).toString('base64url');
  response.cookie(nameOf(state, secure), secret, { ...attributes(secure), maxAge: FLOW_SECONDS * 1_000 });
  return hashToken(secret);
}

/** The secrets that the browser came with, hashed: one of them must be that of the sign-in it goes on with. */
export function browserOf(request: Request, secure: boolean): Buffer[] {
  return cookiesOf(request, secure)
    .map(([, value]) => value)
    .filter((value) => VALUE.test(value))
    .map(hashToken);
}

/** Takes a secret of the browser back once it has served. @param used its hash */
export function forgetBrowser(used: Buffer, request: Request, response: Response, secure: boolean): void {
  for (const [name, value] of cookiesOf(request, secure)) if (hashToken(value).equals(used)) response.clearCookie(name, attributes(secure));
}

function cookiesOf(request: Request, secure: boolean): [name: string, value: string][] {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const own = pairs.filter((pair) => pair.startsWith(prefixOf(secure)) && pair.includes('=')).slice(0, MOST);
  return own.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
}
