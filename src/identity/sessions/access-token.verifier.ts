import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { UserActor } from '../../core/actor.js';
import { Clock } from '../../core/clock.js';
import { Authenticator, type CredentialVerifier } from '../../platform/auth/authenticator.js';
import type { Credential } from '../../platform/auth/credentials.js';
import { RefusedActor } from '../../platform/auth/refused-actor.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { AccessTokenStrategy } from './access-token.strategy.js';
import { type LiveSession, SessionsRepository } from './sessions.repository.js';

interface KnownSession extends LiveSession {
  /** When it ends by itself, on this process's monotonic clock. */
  endsAtMs: number;
}

/**
 * Finds out who an access token stands for, now: the session, the user and the tenant are looked up with every request,
 * so that a logout, a demotion or a suspension holds from the next one on.
 */
@Injectable()
export class AccessTokenVerifier implements CredentialVerifier, OnModuleInit {
  private readonly known: RevocableCache<KnownSession>;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly strategy: AccessTokenStrategy,
    private readonly sessions: SessionsRepository,
    private readonly clock: Clock,
    revocations: Revocations,
  ) {
    this.known = revocations.cache(
      (key) => this.look(key),
      (session) => [`session:${session.session_id}`, `user:${session.user_id}`, `tenant:${session.tenant_id}`],
    );
  }

  onModuleInit(): void {
    this.authenticator.register('access_token', this);
  }

  async verify({ value }: Credential): Promise<UserActor | undefined> {
    const claims = await this.strategy.claimsOf(value);
    const session = claims && (await this.known.get(`${claims.tid}/${claims.sid}`));
    if (session?.user_id !== claims?.sub || !session || session.endsAtMs <= this.clock.monotonicMs()) return undefined;
    const actor: UserActor = {
      kind: 'user',
      id: session.user_id,
      tenantId: session.tenant_id,
      role: session.role,
      sessionId: session.session_id,
      label: session.email,
    };
    if (session.tenant_status === 'suspended') throw new RefusedActor('tenant_suspended', actor);
    if (!session.is_active) throw new RefusedActor('account_disabled', actor);
    return actor;
  }

  private async look(key: string): Promise<KnownSession | undefined> {
    const [tenantId = '', sessionId = ''] = key.split('/');
    const session = await this.sessions.live(tenantId, sessionId);
    return session && { ...session, endsAtMs: this.clock.monotonicMs() + session.remaining_ms };
  }
}
