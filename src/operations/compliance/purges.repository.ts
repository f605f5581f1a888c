import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import type { SignedCertificate } from '../../core/audit/certificate.js';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Purge, type PurgeEntity } from './purge.entity.js';

export type NewPurge = Pick<Purge, 'tenant_id' | 'id' | 'entity_type' | 'entity_id' | 'reason' | 'requested_by_kind' | 'requested_by_id' | 'tree_before'>;

/** Adds to the count of a table, in the transaction that erases: what is counted is gone, and what is gone is counted. */
const COUNT = `update compliance_purges set erased = erased || jsonb_build_object($3::text, coalesce((erased ->> $3::text)::bigint, 0) + $4::bigint), revision = revision + 1 where tenant_id = $1 and id = $2`;

/** Rows of `compliance_purges`. */
@Injectable()
export class PurgesRepository {
  constructor(private readonly sql: Sql) {}

  page(tenantId: string, page: PageRequest): Promise<Page<Purge>> {
    return pageOfQuery(this.sql.manager.createQueryBuilder(Purge, 'purge').where('purge.tenant_id = :tenantId', { tenantId }), page);
  }

  find(tenantId: string, id: string): Promise<Purge | null> {
    return this.sql.manager.findOneBy(Purge, { tenant_id: tenantId, id });
  }

  ofEntity(tenantId: string, type: PurgeEntity, id: string): Promise<Purge | null> {
    return this.sql.manager.findOneBy(Purge, { tenant_id: tenantId, entity_type: type, entity_id: id });
  }

  async insert(purge: NewPurge): Promise<void> {
    await this.sql.execute(
      `insert into compliance_purges (tenant_id, id, entity_type, entity_id, reason, requested_by_kind, requested_by_id, tree_before) values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)`,
      [purge.tenant_id, purge.id, purge.entity_type, purge.entity_id, purge.reason, purge.requested_by_kind, purge.requested_by_id, purge.tree_before && JSON.stringify(purge.tree_before)],
    );
  }

  /** In the running transaction. */
  async count({ tenant_id, id }: Purge, table: string, rows: number): Promise<void> {
    await this.sql.execute(COUNT, [tenant_id, id, table, rows]);
  }

  /** In a transaction of the system's. */
  async countBy(client: PoolClient, { tenant_id, id }: Purge, table: string, rows: number): Promise<void> {
    await client.query(COUNT, [tenant_id, id, table, rows]);
  }

  /** Whether a transaction still runs that began to write before the purge was asked for. */
  async isAnyoneBefore({ tx }: Purge): Promise<boolean> {
    const row = await this.sql.row<{ before: boolean }>('select pg_snapshot_xmin(pg_current_snapshot())::text::bigint <= $1::bigint as before', [tx]);
    return row?.before === true;
  }

  async complete({ tenant_id, id }: Purge, certificate: SignedCertificate): Promise<void> {
    await this.sql.execute(`update compliance_purges set status = 'done', completed_at = $3, certificate = $4::jsonb, revision = revision + 1 where tenant_id = $1 and id = $2`, [
      tenant_id, id, certificate.certificate.completed_at, JSON.stringify(certificate),
    ]);
  }
}
