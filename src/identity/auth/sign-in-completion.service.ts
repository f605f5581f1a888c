import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { UserActor } from '../../core/actor.js';
import { newId } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { type SessionOwner, UserSessions } from '../sessions/user-sessions.port.js';
import { passwordProof, UserAccounts } from '../users/user-accounts.port.js';
import { type FirstFactor, type SignedIn, SignInCompletion, type SignInOutcome } from './sign-in-completion.port.js';

/** Opens the session, when the factors that were shown are enough. */
@Injectable()
export class SignInCompletionService extends SignInCompletion {
  constructor(
    private readonly accounts: UserAccounts,
    private readonly sessions: UserSessions,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {
    super();
  }

  afterFirstFactor(owner: SessionOwner, { amr, via, checkedHash }: FirstFactor): Promise<SignInOutcome> {
    const proof = checkedHash === undefined ? null : passwordProof(checkedHash);
    return this.as(owner, (sessionId) => this.open(owner, sessionId, proof, amr, via));
  }

  /** As the person, under the session that is about to be opened. */
  private as<T>(owner: SessionOwner, work: (sessionId: string) => Promise<T>): Promise<T> {
    const sessionId = newId();
    const actor: UserActor = { kind: 'user', id: owner.id, tenantId: owner.tenantId, role: owner.role, sessionId, authenticatedAt: new Date(), mfa: false, label: owner.email };
    return this.context.within({ tenantId: owner.tenantId, actor }, () => work(sessionId));
  }

  @Transactional()
  protected async open(owner: SessionOwner, sessionId: string, proof: Buffer | null, amr: readonly string[], via: FirstFactor['via']): Promise<SignedIn> {
    const user = await this.accounts.signedIn(owner.id, proof);
    if (!user) throw new Problem('invalid_credentials');
    const tokens = await this.sessions.open(owner, sessionId, amr);
    await this.audit.record({ action: 'auth.login', resource: { type: 'session', id: sessionId }, detail: { via, amr } });
    return { tokens, user };
  }
}
