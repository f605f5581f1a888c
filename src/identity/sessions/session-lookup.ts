import { Injectable } from '@nestjs/common';
import type { UserActor } from '../../core/actor.js';
import { Clock } from '../../core/clock.js';
import { RefusedActor } from '../../platform/auth/refused-actor.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { securityTag } from '../access-policy/security-policies.reader.js';
import { restrictionOf } from './session-ways.js';
import { SessionUsage } from './session-usage.js';
import type { LiveSession } from './sessions.repository.js';

interface KnownSession extends LiveSession {
  /** When it was looked up, on this process's monotonic clock. */
  seenAtMs: number;
  /** When it ends by itself, on this process's monotonic clock. */
  endsAtMs: number;
  /** When the person last proved who they are, on the same clock. */
  authenticatedAtMs: number;
}

/** What is revoked when a person proves again who they are: the session lives on, and with it what is connected by it. */
export const signInTag = (sessionId: string): string => `sign-in-of:${sessionId}`;

/** Sessions as they are now, and who they stand for. */
export interface SessionLookup {
  get(key: string): Promise<KnownSession | undefined>;
}

/**
 * What a session is worth now: it is looked up with every request, so that a logout, a demotion, a suspension or a new
 * policy holds from the next one on.
 */
@Injectable()
export class SessionLookups {
  constructor(
    private readonly clock: Clock,
    private readonly context: RequestContext,
    private readonly revocations: Revocations,
    private readonly usage: SessionUsage,
  ) {}

  /** A look-up of sessions by whatever `load` takes, remembered until something is revoked that they rest on. */
  by(load: (key: string) => Promise<LiveSession | undefined>): SessionLookup {
    return this.revocations.cache(
      async (key) => {
        const session = await load(key);
        const nowMs = this.clock.monotonicMs();
        return session && { ...session, seenAtMs: nowMs, endsAtMs: nowMs + session.remaining_ms, authenticatedAtMs: nowMs - session.authenticated_ago_ms };
      },
      (session) => [`session:${session.session_id}`, signInTag(session.session_id), `user:${session.user_id}`, `tenant:${session.tenant_id}`, securityTag(session.tenant_id)],
    );
  }

  /**
   * @returns the person, or undefined when there is no such session or it has ended by itself
   * @throws RefusedActor `tenant_suspended`, `account_disabled`
   */
  actorOf(session: KnownSession | undefined): UserActor | undefined {
    if (!session || session.endsAtMs <= this.clock.monotonicMs()) return undefined;
    const restricted = restrictionOf(session, this.clock.monotonicMs() - session.seenAtMs);
    const actor: UserActor = {
      kind: 'user',
      id: session.user_id,
      tenantId: session.tenant_id,
      role: session.role,
      sessionId: session.session_id,
      authenticatedAt: new Date(this.clock.now().getTime() - (this.clock.monotonicMs() - session.authenticatedAtMs)),
      mfa: session.mfa,
      ...(restricted ? { restricted } : {}),
      label: session.email,
    };
    if (session.tenant_status === 'suspended') throw new RefusedActor('tenant_suspended', actor);
    if (!session.is_active) throw new RefusedActor('account_disabled', actor);
    if (this.isRequest()) this.usage.saw(session.tenant_id, session.session_id);
    return actor;
  }

  /** A socket or stream whose credentials are looked at again is no sign that anyone sits in front of it. */
  private isRequest(): boolean {
    const operation = this.context.get('operationId');
    return operation !== undefined && operation !== 'websocket';
  }
}
