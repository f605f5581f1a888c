import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { isUnchanged } from '../../core/changes.js';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import type { User } from './user.entity.js';
import { UserAccounts } from './user-accounts.port.js';
import type { CreateUserDto } from './users.dto.js';
import { type UserChange, type UserFilter, UsersRepository } from './users.repository.js';
import { auditedUser, type UserView } from './users.view.js';
import { whyAdminStays } from './why-admin-stays.js';

/** What administrators do with the users of a tenant. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly accounts: UserAccounts,
    private readonly sessions: UserSessions,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
    private readonly plans: PlanLimits,
  ) {}

  @Transactional()
  page(filter: UserFilter, page: PageRequest): Promise<Page<User>> {
    return this.users.page(filter, page);
  }

  @Transactional()
  async get(id: string): Promise<User> {
    return found(await this.users.find(id));
  }

  async create({ email, password, full_name, role = 'user' }: CreateUserDto): Promise<UserView> {
    if (role === 'admin') requireFreshAuthority(this.context);
    const account = await this.accounts.prepare({ email, password, full_name, role });
    return this.inTransaction(() => this.accounts.add(account));
  }

  @Transactional()
  async update(id: string, change: UserChange): Promise<User> {
    const leaves = change.is_active === false || (change.role !== undefined && change.role !== 'admin');
    const admins = leaves ? await this.users.lockAdmins() : [];
    const before = found(await this.users.lock(id));
    checkIfMatch(this.context.get('ifMatch'), before);
    const refusal = leaves ? await whyAdminStays(this.users, id, admins) : undefined;
    if (refusal) throw refusal;
    if (isUnchanged<UserChange>(before, change)) return before;
    if (change.role === 'admin' || (change.is_active && before.role === 'admin')) requireFreshAuthority(this.context);
    if (change.is_active && !before.is_active) await this.plans.admit('users');
    const after = await this.users.update(id, change);
    await this.audit.record({
      action: 'user.update',
      resource: { type: 'user', id },
      before: auditedUser(before),
      after: auditedUser(after),
    });
    if (before.is_active && !after.is_active) await this.sessions.endAll(id, 'user_disabled');
    if (before.role !== after.role || before.is_active !== after.is_active) this.revocations.afterCommit(`user:${id}`);
    return after;
  }

  async deactivate(id: string): Promise<void> {
    await this.update(id, { is_active: false });
  }

  /** Hashing comes before the transaction, so it begins here. */
  @Transactional()
  protected inTransaction<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}

function found(user: User | undefined): User {
  if (!user) throw notFound('user');
  return user;
}
