import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { User } from './user.entity.js';

export interface UserFilter {
  role?: Role;
  is_active?: boolean;
  email?: string;
}

export type UserChange = Partial<Pick<User, 'full_name' | 'role' | 'is_active'>>;

const COLUMNS = 'tenant_id, id, email, full_name, role, is_active, last_login_at, password_changed_at, revision, created_at, updated_at';

/** The users of a tenant that its plan counts. */
export const COUNTED_USERS = 'from users where tenant_id = $1 and is_active';

/** Rows of `users`, of the context's tenant. */
@Injectable()
export class UsersRepository {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {}

  page(filter: UserFilter, page: PageRequest): Promise<Page<User>> {
    const query = this.sql.manager.createQueryBuilder(User, 'u').where('u.tenant_id = :tenantId', { tenantId: this.context.tenantId });
    if (filter.role !== undefined) query.andWhere('u.role = :role', { role: filter.role });
    if (filter.is_active !== undefined) query.andWhere('u.is_active = :active', { active: filter.is_active });
    if (filter.email !== undefined) query.andWhere('lower(u.email) = :email', { email: filter.email });
    return pageOfQuery(query, page);
  }

  find(id: string): Promise<User | undefined> {
    return this.sql.row<User>(`select ${COLUMNS} from users where tenant_id = $1 and id = $2`, [this.context.tenantId, id]);
  }

  lock(id: string): Promise<User | undefined> {
    return this.sql.row<User>(`select ${COLUMNS} from users where tenant_id = $1 and id = $2 for update`, [this.context.tenantId, id]);
  }

  /** Active accounts, but for clients, of these ids or roles. */
  async activeAmong(ids: readonly string[], roles: readonly Role[]): Promise<string[]> {
    const rows = await this.sql.rows<{ id: string }>(
      `select id from users where tenant_id = $1 and is_active and role <> 'client' and (id = any($2::uuid[]) or role = any($3::text[])) order by id`,
      [this.context.tenantId, ids, roles],
    );
    return rows.map(({ id }) => id);
  }

  /** Holds all active administrators, in one order, so that two who leave at the same time see each other. @returns their ids */
  async lockAdmins(): Promise<string[]> {
    const rows = await this.sql.rows<{ id: string }>(
      `select id from users where tenant_id = $1 and role = 'admin' and is_active order by id for update`,
      [this.context.tenantId],
    );
    return rows.map(({ id }) => id);
  }

  /** Whether it is the one account that gets in without single sign-on, where that is enforced. Ask while the account is locked. */
  async breaksGlass(id: string): Promise<boolean> {
    const rows = await this.sql.rows(
      `select 1 from security_policies where tenant_id = $1 and sso->>'enforced' = 'true' and sso->>'break_glass_user_id' = $2`,
      [this.context.tenantId, id],
    );
    return rows.length > 0;
  }

  async insert(user: { id: string; email: string; full_name: string; role: Role; password_hash: string | null }): Promise<User> {
    const rows = await this.sql.rows<User>(
      `insert into users (tenant_id, id, email, full_name, role, password_hash, password_changed_at) values ($1, $2, $3, $4, $5, $6, case when $6::text is not null then now() end) returning ${COLUMNS}`,
      [this.context.tenantId, user.id, user.email, user.full_name, user.role, user.password_hash],
    );
    return rows[0] as User;
  }

  async update(id: string, change: UserChange): Promise<User> {
    const rows = await this.sql.rows<User>(
      `update users set full_name = coalesce($3, full_name), role = coalesce($4, role), is_active = coalesce($5, is_active),
         revision = revision + 1, updated_at = now()
       where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
      [this.context.tenantId, id, change.full_name ?? null, change.role ?? null, change.is_active ?? null],
    );
    return rows[0] as User;
  }

  /**
   * Notes a sign-in, unless the account was disabled or its password changed since it was checked. Nobody edited the
   * account by that: its revision, and so its ETag, stays.
   */
  markSignedIn(id: string, proof: Buffer | null): Promise<User | undefined> {
    return this.sql.row<User>(
      `update users set last_login_at = now()
       where tenant_id = $1 and id = $2 and is_active and ($3::bytea is null or sha256(convert_to(password_hash, 'UTF8')) = $3) returning ${COLUMNS}`,
      [this.context.tenantId, id, proof],
    );
  }

  async passwordHash(id: string): Promise<string | null> {
    const row = await this.sql.row<{ password_hash: string | null }>('select password_hash from users where tenant_id = $1 and id = $2', [
      this.context.tenantId,
      id,
    ]);
    return row?.password_hash ?? null;
  }

  /** The hashes of the passwords before the current one, latest first. */
  async earlierPasswords(id: string, most: number): Promise<string[]> {
    const rows = await this.sql.rows<{ password_hash: string }>(
      `select password_hash from password_history where tenant_id = $1 and user_id = $2 order by replaced_at desc, id desc limit $3`,
      [this.context.tenantId, id, most],
    );
    return rows.map((row) => row.password_hash);
  }

  /** Keeps a password that was replaced, and as many before it as are looked at; the rest is forgotten. */
  async rememberPassword(id: string, replacedHash: string, most: number): Promise<void> {
    await this.sql.execute(`insert into password_history (tenant_id, user_id, id, password_hash) values ($1, $2, $3, $4)`, [
      this.context.tenantId,
      id,
      newId(),
      replacedHash,
    ]);
    await this.sql.execute(
      `delete from password_history where tenant_id = $1 and user_id = $2 and id not in (
         select id from password_history where tenant_id = $1 and user_id = $2 order by replaced_at desc, id desc limit $3)`,
      [this.context.tenantId, id, most],
    );
  }

  /** @returns whether the password was still the one that was checked */
  async replacePassword(id: string, checkedHash: string, newHash: string): Promise<boolean> {
    const changed = await this.sql.execute(
      `update users set password_hash = $4, password_changed_at = now(), revision = revision + 1, updated_at = now()
       where tenant_id = $1 and id = $2 and is_active and password_hash = $3`,
      [this.context.tenantId, id, checkedHash, newHash],
    );
    return changed > 0;
  }
}
