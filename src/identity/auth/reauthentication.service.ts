import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { UserActor } from '../../core/actor.js';
import { invalidField, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { ownPerson } from '../../platform/auth/own-user.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { SECOND_FACTOR_AMR, SecondFactors } from '../mfa/second-factors.port.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { OwnPassword } from '../users/own-password.port.js';
import type { ReauthenticateDto } from './auth.dto.js';

const ACTION = 'auth.reauthenticate';

/** Proving again who one is, in the session that is open. */
@Injectable()
export class ReauthenticationService {
  constructor(
    private readonly factors: SecondFactors,
    private readonly passwords: OwnPassword,
    private readonly sessions: UserSessions,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {}

  /** An account with a second factor shows that: who stole the session may well have the password. */
  async reauthenticate({ password, code }: ReauthenticateDto): Promise<void> {
    const person = ownPerson(this.context);
    if (await this.hasFactor(person.id)) {
      if (code === undefined) throw invalidField('code', 'required', 'is needed: this account has a second factor');
      return this.factors.prove(person.id, { code }, ACTION, () => this.note(person, SECOND_FACTOR_AMR));
    }
    if (password === undefined) throw invalidField('password', 'required', 'is needed: this account has no second factor');
    await this.passwords.check(person, password, ACTION);
    await this.inTransaction(() => this.note(person, ['pwd']));
  }

  private async note({ id, sessionId }: UserActor, amr: readonly string[]): Promise<void> {
    if (!(await this.sessions.authenticatedAgain(id, sessionId, amr))) throw new Problem('unauthenticated', { detail: 'The session has ended.' });
    await this.audit.record({ action: ACTION, resource: { type: 'session', id: sessionId }, detail: { amr } });
  }

  @Transactional()
  protected hasFactor(id: string): Promise<boolean> {
    return this.factors.isOn(id);
  }

  @Transactional()
  protected inTransaction<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}
