import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { UserActor } from '../../core/actor.js';
import { Authenticator, type CredentialVerifier } from '../../platform/auth/authenticator.js';
import type { Credential } from '../../platform/auth/credentials.js';
import { AccessTokenStrategy } from './access-token.strategy.js';
import { type SessionLookup, SessionLookups } from './session-lookup.js';
import { SessionsRepository } from './sessions.repository.js';

/** Finds out who an access token stands for, now. */
@Injectable()
export class AccessTokenVerifier implements CredentialVerifier, OnModuleInit {
  private readonly known: SessionLookup;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly strategy: AccessTokenStrategy,
    private readonly lookups: SessionLookups,
    sessions: SessionsRepository,
  ) {
    this.known = lookups.by((key) => {
      const [tenantId = '', sessionId = ''] = key.split('/');
      return sessions.live(tenantId, sessionId);
    });
  }

  onModuleInit(): void {
    this.authenticator.register('access_token', this);
  }

  async verify({ value }: Credential): Promise<UserActor | undefined> {
    const claims = await this.strategy.claimsOf(value);
    const session = claims && (await this.known.get(`${claims.tid}/${claims.sid}`));
    return session && session.user_id === claims?.sub ? this.lookups.actorOf(session) : undefined;
  }
}
