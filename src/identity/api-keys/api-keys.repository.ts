import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import type { Page, PageRequest } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import type { Use } from '../../platform/jobs/last-uses.js';
import { REQUIRES_FACTOR } from '../sessions/missing-factor.port.js';
import { ApiKey } from './api-key.entity.js';

/** What a request with a key rests on: the key, its owner and the tenant, in one look-up. */
export interface LiveKey {
  id: string;
  tenant_id: string;
  owner_id: string;
  name: string;
  scopes: string[];
  allowed_addresses: string[];
  role: Role;
  is_active: boolean;
  tenant_status: 'active' | 'suspended';
  /** Milliseconds until it expires, by the database's clock; null when it never does. */
  remaining_ms: number | null;
  /** Whether the policy asks the owner for a second factor that is not there. */
  lacks_factor: boolean;
}

export interface NewKey {
  id: string;
  ownerId: string;
  parentId: string | null;
  rootId: string;
  name: string;
  prefix: string;
  hash: Buffer;
  scopes: string[];
  allowedAddresses: string[];
  expiresAt: Date | null;
}

const COLUMNS =
  'tenant_id, id, owner_id, parent_id, root_id, name, prefix, scopes, allowed_addresses, expires_at, previous_valid_until, last_used_at, revoked_at, revision, created_at, updated_at';

/** The keys of a tenant that its plan counts: those in force. */
export const COUNTED_API_KEYS = 'from api_keys where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > now())';

/** Rows of `api_keys`. */
@Injectable()
export class ApiKeysRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
  ) {}

  /** Before the tenant is known: a key that is neither revoked nor expired, with its owner and tenant. The value before a rotation finds it too, while the two overlap. */
  async live(hash: Buffer): Promise<LiveKey | undefined> {
    const rows = await this.database.query<LiveKey>(
      `select k.id, k.tenant_id, k.owner_id, k.name, k.scopes, k.allowed_addresses, u.role, u.is_active, t.status as tenant_status, ${REQUIRES_FACTOR} as lacks_factor,
         (extract(epoch from least(k.expires_at, case when k.key_hash <> $1 then k.previous_valid_until end) - now()) * 1000)::float8 as remaining_ms
       from api_keys k join users u on u.tenant_id = k.tenant_id and u.id = k.owner_id join tenants t on t.id = k.tenant_id
         left join security_policies p on p.tenant_id = k.tenant_id
       where (k.key_hash = $1 or (k.previous_hash = $1 and k.previous_valid_until > now())) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`,
      [hash],
    );
    return rows[0];
  }

  /** Keys that are not revoked: of one owner, or of the whole tenant. */
  page(ownerId: string | undefined, page: PageRequest): Promise<Page<ApiKey>> {
    const query = this.sql.manager
      .createQueryBuilder(ApiKey, 'k')
      .where('k.tenant_id = :tenantId and k.revoked_at is null', { tenantId: this.context.tenantId });
    if (ownerId !== undefined) query.andWhere('k.owner_id = :ownerId', { ownerId });
    return pageOfQuery(query, page);
  }

  /** How a key stands now, without waiting for those who change it. */
  async revisionOf(id: string): Promise<number | undefined> {
    return (await this.sql.row<{ revision: number }>('select revision from api_keys where tenant_id = $1 and id = $2', [this.context.tenantId, id]))?.revision;
  }

  /** A key that is not revoked, held until the transaction ends. */
  lock(id: string): Promise<ApiKey | undefined> {
    return this.sql.row<ApiKey>(`select ${COLUMNS} from api_keys where tenant_id = $1 and id = $2 and revoked_at is null for update`, [
      this.context.tenantId,
      id,
    ]);
  }

  /**
   * Holds the key that a family began with, before any other of its rows: keys of a family are made, or revoked, and not both
   * at once. Without it the revocation of a key would miss what a key made with it makes at that moment.
   * @param mode `share` to make a key, `update` to revoke
   */
  async holdFamily(id: string, mode: 'share' | 'update'): Promise<void> {
    await this.sql.execute(
      `select 1 from api_keys where tenant_id = $1 and id = (select coalesce(root_id, id) from api_keys where tenant_id = $1 and id = $2) for ${mode}`,
      [this.context.tenantId, id],
    );
  }

  /** When a key expires, where it is taken from, and what its family began with; held, so that it is not revoked while another is made with it. */
  async holdParent(id: string): Promise<Pick<ApiKey, 'expires_at' | 'allowed_addresses' | 'root_id'> | undefined> {
    return this.sql.row<Pick<ApiKey, 'expires_at' | 'allowed_addresses' | 'root_id'>>(
      'select expires_at, allowed_addresses, root_id from api_keys where tenant_id = $1 and id = $2 and revoked_at is null for share',
      [this.context.tenantId, id],
    );
  }

  async insert(key: NewKey): Promise<ApiKey> {
    const rows = await this.sql.rows<ApiKey>(
      `insert into api_keys (tenant_id, id, owner_id, parent_id, root_id, name, prefix, key_hash, scopes, expires_at, allowed_addresses)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning ${COLUMNS}`,
      [this.context.tenantId, key.id, key.ownerId, key.parentId, key.rootId, key.name, key.prefix, key.hash, key.scopes, key.expiresAt, key.allowedAddresses],
    );
    return rows[0] as ApiKey;
  }

  /** Gives a key another value. Of earlier ones at most the last still works, and for the overlap alone. */
  async rotate(id: string, { hash, prefix, overlapSeconds }: { hash: Buffer; prefix: string; overlapSeconds: number }): Promise<ApiKey> {
    const row = await this.sql.row<ApiKey>(
      `update api_keys set key_hash = $3, prefix = $4, revision = revision + 1, updated_at = now(),
         previous_hash = case when $5 > 0 then key_hash end, previous_valid_until = case when $5 > 0 then now() + make_interval(secs => $5) end
       where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
      [this.context.tenantId, id, hash, prefix, overlapSeconds],
    );
    return row as ApiKey;
  }

  /** Revokes a key and all that were made with it, whose family is held. @returns their ids */
  async revoke(id: string): Promise<string[]> {
    const rows = await this.sql.rows<{ id: string }>(
      `with recursive family as (
         select id from api_keys where tenant_id = $1 and id = $2
         union all select child.id from api_keys child join family on child.parent_id = family.id where child.tenant_id = $1
       ) update api_keys set revoked_at = now(), revision = revision + 1, updated_at = now()
       where tenant_id = $1 and id in (select id from family) and revoked_at is null returning id`,
      [this.context.tenantId, id],
    );
    return rows.map((row) => row.id);
  }

  /** Many last uses in one statement; the ages are by this process's monotonic clock, the times by the database's. */
  async noteUses(uses: readonly Use[]): Promise<void> {
    await this.database.execute(
      `update api_keys k set last_used_at = greatest(k.last_used_at, now() - u.ago_ms * interval '1 ms')
       from unnest($1::uuid[], $2::uuid[], $3::float8[]) as u (tenant_id, id, ago_ms) where k.tenant_id = u.tenant_id and k.id = u.id`,
      [uses.map(({ tenantId }) => tenantId), uses.map(({ id }) => id), uses.map(({ agoMs }) => agoMs)],
    );
  }
}
