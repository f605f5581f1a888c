import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { SecretGrant } from './secret-grant.entity.js';

export type NewSecretGrant = Pick<SecretGrant, 'tenant_id' | 'id' | 'secret_id' | 'agent_id' | 'board_id' | 'expires_at' | 'max_uses' | 'created_by_kind' | 'created_by_id'>;

/** Rows of `secret_grants`. */
@Injectable()
export class SecretGrantsRepository {
  constructor(private readonly sql: Sql) {}

  async insert(row: NewSecretGrant): Promise<void> {
    await this.sql.execute(
      `insert into secret_grants (tenant_id, id, secret_id, agent_id, board_id, expires_at, max_uses, created_by_kind, created_by_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [row.tenant_id, row.id, row.secret_id, row.agent_id, row.board_id, row.expires_at, row.max_uses, row.created_by_kind, row.created_by_id],
    );
  }

  find(tenantId: string, secretId: string, id: string): Promise<SecretGrant | null> {
    return this.of(tenantId, secretId).andWhere('leave.id = :id', { id }).getOne();
  }

  lock(tenantId: string, secretId: string, id: string): Promise<SecretGrant | null> {
    return this.of(tenantId, secretId).andWhere('leave.id = :id', { id }).setLock('pessimistic_write').getOne();
  }

  page(tenantId: string, secretId: string, withRevoked: boolean, request: PageRequest): Promise<Page<SecretGrant>> {
    const query = this.of(tenantId, secretId);
    if (!withRevoked) query.andWhere('leave.revoked_at is null');
    return pageOfQuery(query, request);
  }

  async revoke(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('update secret_grants set revoked_at = clock_timestamp(), revision = revision + 1 where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  /**
   * Counts one use of a grant that covers an agent, or a board that it holds a task of. Who comes at the same moment waits for
   * the row and looks at it again, so that no use is beyond what the grant allows. Grants without a limit go first.
   * @returns the grant's id; undefined when none covers it now
   */
  async use(tenantId: string, secretId: string, agentId: string, boardIds: readonly string[]): Promise<string | undefined> {
    const row = await this.sql.row<{ id: string }>(
      `with usable as materialized (
         select id from secret_grants where tenant_id = $1 and secret_id = $2 and (agent_id = $3 or board_id = any($4::uuid[]))
           and revoked_at is null and (expires_at is null or expires_at > clock_timestamp()) and (max_uses is null or uses < max_uses)
         order by max_uses nulls first, id limit 1 for update
       )
       update secret_grants set uses = uses + 1, last_used_at = clock_timestamp() from usable where secret_grants.tenant_id = $1 and secret_grants.id = usable.id
       returning secret_grants.id`,
      [tenantId, secretId, agentId, boardIds],
    );
    return row?.id;
  }

  private of(tenantId: string, secretId: string) {
    return this.sql.manager.createQueryBuilder(SecretGrant, 'leave').where('leave.tenant_id = :tenantId and leave.secret_id = :secretId', { tenantId, secretId });
  }
}
