import { createHash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { UserActor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { Authenticator, type CredentialVerifier } from '../../platform/auth/authenticator.js';
import type { Credential } from '../../platform/auth/credentials.js';
import { RefusedActor } from '../../platform/auth/refused-actor.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { Config } from '../../platform/config/config.js';
import { securityTag } from '../access-policy/security-policies.reader.js';
import { IssuerKeys, unavailable } from './issuer-keys.js';
import { waysOf } from './sso-claims.js';
import { type KnownSubject, SubjectsRepository } from './subjects.repository.js';

/** Parts of a header (RFC 7515, section 4.1) by which a token would bring or name the key that it is checked with. */
const FOREIGN_KEYS = ['jku', 'jwk', 'x5u', 'x5c', 'crit'];
const CLOCK_TOLERANCE_SECONDS = 5;

/**
 * Takes bearer tokens of OIDC_ISSUER (RFC 9068) for the people whom its subjects are linked to. What they may do is looked up
 * here at every request, as for a session: a disabled account, another role, a removed link hold from the next one on.
 */
@Injectable()
export class IssuerTokenVerifier implements CredentialVerifier, OnModuleInit {
  private readonly known: RevocableCache<KnownSubject>;

  constructor(
    private readonly config: Config,
    private readonly authenticator: Authenticator,
    private readonly keys: IssuerKeys,
    private readonly subjects: SubjectsRepository,
    revocations: Revocations,
  ) {
    this.known = revocations.cache(
      (subject) => this.subjects.of(this.config.get('OIDC_TENANT'), this.config.get('OIDC_ISSUER') ?? '', subject),
      ({ user_id, tenant_id }) => [`user:${user_id}`, `tenant:${tenant_id}`, securityTag(tenant_id)],
    );
  }

  onModuleInit(): void {
    if (this.config.get('AUTH_MODE') === 'oidc') this.authenticator.register('access_token', this);
  }

  async verify({ value }: Credential): Promise<UserActor | undefined> {
    const claims = await this.claimsOf(value);
    const person = claims?.sub === undefined ? undefined : await this.known.get(claims.sub);
    if (!claims || !person) return undefined;
    const actor = actorOf(person, claims, sessionOf(value));
    if (person.tenant_status === 'suspended') throw new RefusedActor('tenant_suspended', actor);
    if (!person.is_active) throw new RefusedActor('account_disabled', actor);
    // There is nobody to ask for it here: the token shows it, and the policy is content with that, or it is not enough.
    if (person.asks_factor && !(actor.mfa && person.after_sso === 'unless_amr')) throw new RefusedActor('second_factor_missing', actor);
    return actor;
  }

  /** @returns the claims, or undefined when the token is not one that the issuer made for this API */
  private async claimsOf(token: string): Promise<JWTPayload | undefined> {
    if (!this.isMeantForUs(token)) return undefined;
    try {
      const { payload } = await jwtVerify(token, await this.keys.get(), {
        algorithms: [this.config.get('OIDC_ALGORITHM')],
        issuer: this.config.get('OIDC_ISSUER') ?? '',
        audience: this.config.get('OIDC_AUDIENCE') ?? '',
        typ: this.config.get('OIDC_TOKEN_TYPE'),
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      return payload;
    } catch (error) {
      if (error instanceof Problem) throw error.code.startsWith('egress') ? unavailable() : error;
      if (error instanceof errors.JWTExpired) throw new Problem('token_expired');
      if (error instanceof errors.JWKSTimeout || (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')) throw unavailable();
      return undefined;
    }
  }

  /** Before anything is asked of the issuer: another algorithm, another type, or a key that came along. */
  private isMeantForUs(token: string): boolean {
    try {
      const header = decodeProtectedHeader(token);
      return header.alg === this.config.get('OIDC_ALGORITHM') && !FOREIGN_KEYS.some((name) => name in header);
    } catch {
      // No header that could be read: none of the issuer's tokens.
      return false;
    }
  }
}

/** Who a token of the issuer stands for; when and how the person signed in is what the issuer says of it, if it does. */
function actorOf(person: KnownSubject, claims: JWTPayload, sessionId: string): UserActor {
  const authTime = claims['auth_time'];
  return {
    kind: 'user',
    id: person.user_id,
    tenantId: person.tenant_id,
    role: person.role,
    sessionId,
    authenticatedAt: new Date(typeof authTime === 'number' ? authTime * 1_000 : 0),
    mfa: waysOf(claims['amr']).includes('mfa'),
    label: person.email,
  };
}

/** What stands for the session of a token that has none here: the same for the same token, and no session's id. */
function sessionOf(token: string): string {
  const hex = createHash('sha256').update(token).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
