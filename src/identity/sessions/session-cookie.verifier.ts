import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { UserActor } from '../../core/actor.js';
import { Authenticator, type CredentialVerifier } from '../../platform/auth/authenticator.js';
import type { Credential } from '../../platform/auth/credentials.js';
import { hashToken, isWellFormedToken } from '../../platform/crypto/tokens.js';
import { type SessionLookup, SessionLookups } from './session-lookup.js';
import { COOKIE_PREFIX } from './user-sessions.port.js';
import { SessionsRepository } from './sessions.repository.js';

/** Finds out who a session cookie stands for, now. */
@Injectable()
export class SessionCookieVerifier implements CredentialVerifier, OnModuleInit {
  private readonly known: SessionLookup;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly lookups: SessionLookups,
    sessions: SessionsRepository,
  ) {
    this.known = lookups.by((hash) => sessions.liveByCookie(Buffer.from(hash, 'hex')));
  }

  onModuleInit(): void {
    this.authenticator.register('cookie', this);
  }

  async verify({ value }: Credential): Promise<UserActor | undefined> {
    if (!isWellFormedToken(value, COOKIE_PREFIX)) return undefined;
    return this.lookups.actorOf(await this.known.get(hashToken(value).toString('hex')));
  }
}
