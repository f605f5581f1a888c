import { Injectable } from '@nestjs/common';
import type { CookieOptions, Request, Response } from 'express';
import { invalidField, Problem } from '../../core/problem.js';
import { Config } from '../config/config.js';
import { isLoopbackHost } from '../networks/loopback.js';
import { CSRF_HEADER } from './csrf-tokens.port.js';
import { type Credential, credentialOf } from './credentials.js';

export const SESSION_KINDS = ['bearer', 'cookie'] as const;
export type SessionKind = (typeof SESSION_KINDS)[number];

/** The session cookie over HTTPS. Browsers take a `__Host-` cookie only when it is Secure, for one host and for all paths. */
export const SESSION_COOKIE = '__Host-wheelhouse';
/** Over plain HTTP, which is for loopback alone, where a browser would refuse the prefix. */
const PLAIN_SESSION_COOKIE = 'wheelhouse';
const LONGEST_COOKIE = 256;

/** What a session in a browser is held by. */
export interface SessionCookies {
  /** Left out when the browser has it already. */
  value?: string;
  csrfToken: string;
  maxAgeSeconds: number;
}

/** Which browsers' requests are taken with the session cookie, and what their cookies are called. */
@Injectable()
export class Browsers {
  private readonly origins: ReadonlySet<string>;
  private readonly publicHttps: boolean;

  constructor(config: Config) {
    const publicUrl = config.get('PUBLIC_URL');
    const listed = config.get('CORS_ORIGINS').split(',').map((origin) => origin.trim().toLowerCase());
    this.origins = new Set([...listed.filter(Boolean), ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin])]);
    this.publicHttps = publicUrl?.startsWith('https:') ?? false;
  }

  /**
   * The credential of a request: one in a header, else the session cookie.
   * @throws Problem `csrf_failed` when only a cookie stands for the caller, and a page of another origin sent it along
   */
  credentialOf(request: Request): Credential | undefined {
    return credentialOf(request.headers) ?? this.cookieCredentialOf(request);
  }

  /**
   * The session cookie as a credential.
   * @throws Problem `csrf_failed` when a page of another origin sent it along
   */
  cookieCredentialOf(request: Request): Credential | undefined {
    const value = this.cookieOf(request);
    if (value === undefined) return undefined;
    this.refuseForeign(request);
    return { kind: 'cookie', value };
  }

  /** The session cookie, of the one name that this kind of connection has. */
  cookieOf(request: Request): string | undefined {
    const header = request.headers.cookie;
    if (header === undefined) return undefined;
    const name = this.nameOf(request);
    const values = header.split(';').flatMap((pair) => {
      const at = pair.indexOf('=');
      return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : [];
    });
    // Two of one name: nobody can tell which of them this server set.
    return values.length === 1 && values[0] !== '' && (values[0]?.length ?? 0) <= LONGEST_COOKIE ? values[0] : undefined;
  }

  /**
   * Holds `Origin` and `Sec-Fetch-Site` against this installation's own origin and those of CORS_ORIGINS. Browsers send
   * at least one of them with whatever a page could do in a person's name; programs send neither.
   */
  refuseForeign(request: Request): void {
    const { origin } = request.headers;
    const site = request.headers['sec-fetch-site'];
    if (origin !== undefined ? this.isOwn(request, origin) : site === undefined || site === 'same-origin' || site === 'none') return;
    throw new Problem('csrf_failed', {
      detail: 'A page of another origin sent this request with the session cookie.',
      remedy: 'Call from the own origin, or from one that CORS_ORIGINS lists.',
    });
  }

  /**
   * What will hold the session that a sign-in opens.
   * @throws Problem `invalid_request` for a cookie over plain HTTP beyond loopback, `csrf_failed` for a page of another origin
   */
  sessionKindFor(request: Request, asked: SessionKind | undefined): SessionKind {
    if (asked !== 'cookie') return 'bearer';
    this.refuseForeign(request);
    if (!this.isSecure(request) && !isLoopback(request.hostname)) {
      throw invalidField('session', 'insecure', 'can be a cookie over HTTPS alone: set PUBLIC_URL or TRUST_PROXY when a proxy ends it');
    }
    return 'cookie';
  }

  /**
   * The session cookie of a request that wants its session to live on, with the token that shows that it means to.
   * @throws Problem `invalid_request` when there is none, `csrf_failed` for a page of another origin
   */
  renewalOf(request: Request): { cookie: string; csrfToken: string | undefined } {
    const cookie = this.cookieOf(request);
    if (cookie === undefined) throw invalidField('refresh_token', 'required', 'is needed where there is no session cookie');
    this.refuseForeign(request);
    const csrfToken = request.headers[CSRF_HEADER];
    return { cookie, csrfToken: typeof csrfToken === 'string' ? csrfToken : undefined };
  }

  setCookies(response: Response, { value, csrfToken, maxAgeSeconds }: SessionCookies): void {
    const options = this.options(response.req, maxAgeSeconds);
    if (value !== undefined) response.cookie(this.nameOf(response.req), value, { ...options, httpOnly: true });
    // Scripts of the page read this one and send it back in the header.
    response.cookie(`${this.nameOf(response.req)}-csrf`, csrfToken, options);
  }

  clearCookies(response: Response): void {
    if (this.cookieOf(response.req) === undefined) return;
    const options = this.options(response.req, 0);
    response.cookie(this.nameOf(response.req), '', { ...options, httpOnly: true });
    response.cookie(`${this.nameOf(response.req)}-csrf`, '', options);
  }

  private options(request: Request, maxAgeSeconds: number): CookieOptions {
    return { path: '/', sameSite: 'strict', secure: this.isSecure(request), maxAge: maxAgeSeconds * 1000 };
  }

  private isOwn(request: Request, origin: string): boolean {
    const own = `${this.isSecure(request) ? 'https' : 'http'}://${request.host}`.toLowerCase();
    return origin.toLowerCase() === own || this.origins.has(origin.toLowerCase());
  }

  private nameOf(request: Request): string {
    return this.isSecure(request) ? SESSION_COOKIE : PLAIN_SESSION_COOKIE;
  }

  private isSecure(request: Request): boolean {
    return request.secure || this.publicHttps;
  }
}

/** As the browser names it: it sends a cookie without `Secure` over plain HTTP, so nothing but the own machine may ask. */
function isLoopback(hostname: string | undefined): boolean {
  const name = (hostname ?? '').toLowerCase();
  return isLoopbackHost(name) || name.endsWith('.localhost');
}
