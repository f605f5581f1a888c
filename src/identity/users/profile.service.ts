import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Passwords } from '../../platform/crypto/passwords.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { ownPerson, ownUserId } from '../../platform/auth/own-user.js';
import { SecurityPolicies } from '../access-policy/security-policies.reader.js';
import { OwnPassword } from './own-password.port.js';
import { checkPassword, refuseReused } from './password-policy.js';
import type { User } from './user.entity.js';
import type { ChangePasswordDto } from './profile.dto.js';
import { UsersRepository } from './users.repository.js';
import { auditedUser } from './users.view.js';

/** A password whose current one was checked, and that is ready to take its place. */
interface Replacement {
  id: string;
  /** The session that stays. */
  sessionId: string;
  checkedHash: string;
  newHash: string;
  history: number;
}

/** What people do with their own account. */
@Injectable()
export class ProfileService {
  constructor(
    private readonly users: UsersRepository,
    private readonly passwords: Passwords,
    private readonly ownPassword: OwnPassword,
    private readonly sessions: UserSessions,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly policies: SecurityPolicies,
  ) {}

  get(): Promise<User> {
    return this.own((id) => this.users.find(id));
  }

  update(fullName: string): Promise<User> {
    return this.own(async (id) => {
      const before = await this.users.lock(id);
      if (!before) return undefined;
      checkIfMatch(this.context.get('ifMatch'), before);
      if (before.full_name === fullName) return before;
      const after = await this.users.update(id, { full_name: fullName });
      await this.audit.record({
        action: 'user.update',
        resource: { type: 'user', id },
        before: auditedUser(before),
        after: auditedUser(after),
      });
      return after;
    });
  }

  /** Takes the current password, also from a session: a stolen one must not become the account. */
  async changePassword({ current_password, new_password }: ChangePasswordDto): Promise<void> {
    const actor = ownPerson(this.context);
    const stored = await this.ownPassword.check(actor, current_password, 'user.change_password');
    const { min_length: minLength, history } = (await this.policies.of(actor.tenantId)).password;
    checkPassword(new_password, 'new_password', { email: actor.label, minLength, current: current_password });
    await this.refuseEarlier(actor.id, new_password, history);
    await this.replace({ id: actor.id, sessionId: actor.sessionId, checkedHash: stored, newHash: await this.passwords.hash(new_password), history });
  }

  /** Each comparison costs as much as a sign-in: outside of any transaction, and a few at a time over all requests. */
  private async refuseEarlier(id: string, password: string, history: number): Promise<void> {
    for (const earlier of history > 0 ? await this.readEarlier(id, history) : []) {
      if (await this.passwords.verify(earlier, password)) refuseReused('new_password', history);
    }
  }

  @Transactional()
  protected async replace({ id, sessionId, checkedHash, newHash, history }: Replacement): Promise<void> {
    if (!(await this.users.replacePassword(id, checkedHash, newHash)))
      throw new Problem('conflict', { detail: 'The account was changed meanwhile.' });
    await this.users.rememberPassword(id, checkedHash, history);
    const ended = await this.sessions.endAll(id, 'password_changed', sessionId);
    await this.audit.record({ action: 'user.change_password', resource: { type: 'user', id }, detail: { sessions_ended: ended } });
  }

  @Transactional()
  protected readEarlier(id: string, history: number): Promise<string[]> {
    return this.users.earlierPasswords(id, history);
  }

  @Transactional()
  protected async own(work: (id: string) => Promise<User | undefined>): Promise<User> {
    const user = await work(ownUserId(this.context));
    if (!user) throw notFound('user');
    return user;
  }
}
