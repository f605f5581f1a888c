import { Injectable } from '@nestjs/common';
import type { JobWithMetadata } from 'pg-boss';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Sql } from '../database/sql.js';
import { SystemDatabase } from '../database/system-database.js';
import type { Envelope } from './job.js';

/** A job that waited, as it goes back to its queue. */
export interface ParkedJob extends Envelope {
  name: string;
  singletonKey?: string;
}

/**
 * Jobs whose time came while their tenant was suspended. A worker puts them aside here instead of running them, and they
 * count as done in their queue; whoever resumes the tenant puts them back. However long that takes, none is lost.
 */
@Injectable()
export class ParkedJobs {
  constructor(
    private readonly database: SystemDatabase,
    private readonly sql: Sql,
  ) {}

  /**
   * The tenant's row is shared meanwhile: who is resuming it now is waited for, and who resumes it next finds the job.
   * @returns whether the job waits here now
   */
  async park(name: string, { id, singletonKey, data }: JobWithMetadata<Envelope>): Promise<boolean> {
    if (data.tenant_id === OPERATOR_TENANT_ID) return false;
    const rows = await this.database.query(
      `with suspended as materialized (select id from tenants where id = $1 and status = 'suspended' for share), parked as (
         insert into parked_jobs (tenant_id, id, name, request_id, data, singleton_key) select suspended.id, $2, $3, $4, $5::jsonb, $6 from suspended
         on conflict do nothing
       )
       select 1 from suspended`,
      [data.tenant_id, id, name, data.request_id ?? null, JSON.stringify(data.data), singletonKey ?? null],
    );
    return rows.length > 0;
  }

  /** Takes out, in the running transaction, what waits for the tenant and is known by name. */
  async take(tenantId: string, names: readonly string[]): Promise<ParkedJob[]> {
    const rows = await this.sql.rows<{ name: string; request_id: string | null; data: object; singleton_key: string | null; parked_at: Date }>(
      'delete from parked_jobs where tenant_id = $1 and name = any($2::text[]) returning name, request_id, data, singleton_key, parked_at',
      [tenantId, names],
    );
    return rows
      .toSorted((a, b) => a.parked_at.getTime() - b.parked_at.getTime())
      .map(({ name, request_id, data, singleton_key }) => ({
        name,
        tenant_id: tenantId,
        ...(request_id === null ? {} : { request_id }),
        data,
        ...(singleton_key === null ? {} : { singletonKey: singleton_key }),
      }));
  }
}
