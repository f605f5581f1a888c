import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { type IntakeStatus, IntakeSubmission } from './intake-submission.entity.js';

export type NewSubmission = Pick<IntakeSubmission, 'id' | 'full_name' | 'email' | 'priorities' | 'automation_wish' | 'channels' | 'ip'>;

/** Rows of `intake_submissions`, which belong to the operator tenant. */
@Injectable()
export class IntakeRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert(tenantId: string, { id, full_name, email, priorities, automation_wish, channels, ip }: NewSubmission): Promise<IntakeSubmission> {
    const rows = await this.sql.rows<IntakeSubmission>(
      `insert into intake_submissions (tenant_id, id, full_name, email, priorities, automation_wish, channels, ip)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning *`,
      [tenantId, id, full_name, email, priorities, automation_wish, channels, ip],
    );
    return rows[0] as IntakeSubmission;
  }

  page(tenantId: string, status: IntakeStatus | undefined, page: PageRequest): Promise<Page<IntakeSubmission>> {
    const query = this.sql.manager.createQueryBuilder(IntakeSubmission, 'intake').where('intake.tenant_id = :tenantId', { tenantId });
    if (status !== undefined) query.andWhere('intake.status = :status', { status });
    return pageOfQuery(query, page);
  }

  find(tenantId: string, id: string): Promise<IntakeSubmission | undefined> {
    return this.sql.row<IntakeSubmission>('select * from intake_submissions where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  /** @returns what it was; undefined when there is none */
  async remove(tenantId: string, id: string): Promise<IntakeStatus | undefined> {
    return (await this.sql.row<{ status: IntakeStatus }>('delete from intake_submissions where tenant_id = $1 and id = $2 returning status', [tenantId, id]))?.status;
  }

  /** Removes forms that came in so long ago, of whatever tenant. */
  async removeOld(days: number): Promise<void> {
    await this.database.execute('delete from intake_submissions where created_at < now() - make_interval(days => $1)', [days]);
  }

  /** Of many at once a single one converts; the others wait for it and find nothing to do. @returns whether it was this one */
  async convert(tenantId: string, id: string, newTenantId: string): Promise<boolean> {
    const changed = await this.sql.execute(
      `update intake_submissions set status = 'converted', converted_tenant_id = $3, converted_at = now() where tenant_id = $1 and id = $2 and status = 'new'`,
      [tenantId, id, newTenantId],
    );
    return changed === 1;
  }
}
