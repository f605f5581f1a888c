import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request, Response } from 'express';
import passport from 'passport';
import { type SecretOrKeyProvider, Strategy } from 'passport-jwt';
import { isId } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { SigningKey } from './signing-key.js';

/** What every access token says of itself (RFC 9068), and what is demanded when one comes back. */
export const ACCESS_TOKEN = { algorithm: 'HS256', type: 'at+jwt', issuer: 'wheelhouse', audience: 'wheelhouse-api' } as const;

/** `sub` is the user, `tid` the tenant, `sid` the session. The role is not in it: it is read from the user's row. */
export interface AccessClaims {
  sub: string;
  tid: string;
  sid: string;
}

interface CarriesToken {
  accessToken: string;
}

/**
 * Checks the form and signature of access tokens, with passport-jwt. A token comes here by itself, wherever it stood:
 * in a header, a cookie or the first message on a socket; so all of them are checked in one way.
 */
@Injectable()
export class AccessTokenStrategy extends PassportStrategy(Strategy, 'access-token') {
  constructor(key: SigningKey) {
    super({
      jwtFromRequest: (request) => (request as unknown as CarriesToken).accessToken,
      secretOrKeyProvider: keyProvider(key),
      algorithms: [ACCESS_TOKEN.algorithm],
      issuer: ACCESS_TOKEN.issuer,
      audience: ACCESS_TOKEN.audience,
    });
  }

  /** A registry of its own: the shared one would hand one application's tokens to another in the same process. */
  getPassportInstance(): passport.Authenticator {
    this.registry ??= new passport.Passport();
    return this.registry;
  }
  declare private registry: passport.Authenticator | undefined;

  /** Called by passport with the claims of a token whose signature, dates, issuer and audience are right. */
  validate(claims: Partial<AccessClaims> & { exp?: unknown }): AccessClaims | false {
    const { sub, tid, sid } = claims;
    return isId(sub) && isId(tid) && isId(sid) && typeof claims.exp === 'number' ? { sub, tid, sid } : false;
  }

  /**
   * @returns the claims, or undefined when the token is not one of ours
   * @throws Problem `token_expired`
   */
  claimsOf(token: string): Promise<AccessClaims | undefined> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, claims: AccessClaims | false | null | undefined, info: unknown): void => {
        if (error) reject(error);
        else if (info instanceof Error && info.name === 'TokenExpiredError') reject(new Problem('token_expired'));
        else resolve(claims || undefined);
      };
      const carrier: CarriesToken = { accessToken: token };
      const run = this.getPassportInstance().authenticate('access-token', { session: false }, done) as (
        request: Request,
        response: Response,
        next: (error: unknown) => void,
      ) => void;
      run(carrier as unknown as Request, {} as Response, reject);
    });
  }
}

/** Looks at the header before the signature: nothing but our own algorithm and type, and no key that came along. */
function keyProvider(key: SigningKey): SecretOrKeyProvider {
  const secretOf = (bytes: Buffer): Buffer => createSecretKey(bytes) as unknown as Buffer;
  // Made once: of plain bytes jsonwebtoken would first try, with each token, whether they are a public key.
  const [present, previous] = [secretOf(key.bytes), key.previous && secretOf(key.previous)];
  return (_request, token: string, done) => {
    if (hasOurHeader(token)) done(null, key.previous && isSignedWith(key.previous, token) ? previous : present);
    else done(new Error('not an access token of this installation'));
  };
}

/** Only chooses the key: passport-jwt then checks the signature with it, and the rest of the token. */
function isSignedWith(key: Buffer, token: string): boolean {
  const end = token.lastIndexOf('.');
  const expected = createHmac('sha256', key).update(token.slice(0, end)).digest();
  const given = Buffer.from(token.slice(end + 1), 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function hasOurHeader(token: string): boolean {
  try {
    const header = JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;
    return Object.keys(header).length === 2 && header['alg'] === ACCESS_TOKEN.algorithm && header['typ'] === ACCESS_TOKEN.type;
  } catch {
    // Not JSON: whatever it is, it is none of our tokens.
    return false;
  }
}
