import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Passwords } from '../../platform/crypto/passwords.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { SecurityPolicies } from '../access-policy/security-policies.reader.js';
import { checkPassword } from './password-policy.js';
import { type NewAccount, type PreparedAccount, UserAccounts } from './user-accounts.port.js';
import { COUNTED_USERS, UsersRepository } from './users.repository.js';
import { auditedUser, toUserView, type UserView } from './users.view.js';
import { whyAdminStays } from './why-admin-stays.js';

/** Makes accounts, for administrators, for registration and for setup alike. */
@Injectable()
export class AccountsService extends UserAccounts {
  constructor(
    private readonly users: UsersRepository,
    private readonly passwords: Passwords,
    private readonly audit: AuditPort,
    private readonly context: RequestContext,
    private readonly policies: SecurityPolicies,
    private readonly revocations: Revocations,
    private readonly plans: PlanLimits,
  ) {
    super();
    plans.countBy('users', COUNTED_USERS);
  }

  async prepare({ password, ...account }: NewAccount): Promise<PreparedAccount> {
    // Whoever makes an account of their own makes it in the operator's tenant, and names none.
    const { min_length: minLength } = (await this.policies.of(this.context.tenantIdOrUndefined ?? OPERATOR_TENANT_ID)).password;
    checkPassword(password, 'password', { email: account.email, minLength });
    return { ...account, id: newId(), passwordHash: await this.passwords.hash(password) };
  }

  add({ passwordHash, ...account }: PreparedAccount): Promise<UserView> {
    return this.insert({ ...account, password_hash: passwordHash });
  }

  addWithoutPassword(account: Omit<NewAccount, 'password'>): Promise<UserView> {
    return this.insert({ ...account, id: newId(), password_hash: null });
  }

  async giveRole(id: string, role: Role, detail: object): Promise<UserView> {
    const admins = role === 'admin' ? [] : await this.users.lockAdmins();
    const before = await this.users.lock(id);
    if (!before) throw notFound('user');
    if (before.role === role) return toUserView(before);
    const kept = role === 'admin' ? undefined : await whyAdminStays(this.users, id, admins);
    if (kept) {
      await this.audit.record({ action: 'user.keep_role', resource: { type: 'user', id }, detail: { ...detail, wanted: role, kept: before.role, because: kept.code } });
      return toUserView(before);
    }
    const after = await this.users.update(id, { role });
    await this.audit.record({ action: 'user.update', resource: { type: 'user', id }, before: auditedUser(before), after: auditedUser(after), detail });
    this.revocations.afterCommit(`user:${id}`);
    return toUserView(after);
  }

  async get(id: string): Promise<UserView> {
    const user = await this.users.find(id);
    if (!user) throw notFound('user');
    return toUserView(user);
  }

  async signedIn(id: string, proof: Buffer | null): Promise<UserView | undefined> {
    const user = await this.users.markSignedIn(id, proof);
    return user && toUserView(user);
  }

  async addFirst({ passwordHash, ...account }: PreparedAccount): Promise<UserView> {
    return toUserView(await this.write({ ...account, password_hash: passwordHash }));
  }

  private async insert(account: Parameters<UsersRepository['insert']>[0]): Promise<UserView> {
    const user = await this.write(account);
    await this.audit.record({ action: 'user.create', resource: { type: 'user', id: user.id }, after: auditedUser(user) });
    return toUserView(user);
  }

  private async write(account: Parameters<UsersRepository['insert']>[0]): ReturnType<UsersRepository['insert']> {
    await this.plans.admit('users');
    return this.users.insert(account).catch((error: unknown) => {
      throw brokenConstraint(error) === 'users_email' ? new Problem('email_taken') : error;
    });
  }
}
