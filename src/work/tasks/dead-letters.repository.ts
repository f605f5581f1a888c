import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { newId } from '../../core/ids.js';
import type { Page } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { lockRow, pageOfQuery } from '../../platform/database/table.js';
import type { PageQuery } from '../../platform/http/page.dto.js';
import { DeadLetter } from './dead-letter.entity.js';

/** Rows of `dead_letters` that have not been retried. */
@Injectable()
export class DeadLettersRepository {
  constructor(private readonly sql: Sql) {}

  page(tenantId: string, request: PageQuery): Promise<Page<DeadLetter>> {
    const query = this.sql.manager.createQueryBuilder(DeadLetter, 'letter').where('letter.tenant_id = :tenantId and letter.retried_at is null', { tenantId });
    return pageOfQuery(query, request);
  }

  async lock(id: string): Promise<DeadLetter | undefined> {
    const letter = await lockRow(this.sql.manager, DeadLetter, 'letter', id);
    return letter && letter.retried_at === null ? letter : undefined;
  }

  findByTask(tenantId: string, taskId: string): Promise<DeadLetter | null> {
    return this.sql.manager.findOneBy(DeadLetter, { tenant_id: tenantId, task_id: taskId, retried_at: IsNull() });
  }

  async insert(tenantId: string, taskId: string, title: string, reason: string): Promise<DeadLetter> {
    const row = await this.sql.row<DeadLetter>(
      `insert into dead_letters (tenant_id, id, task_id, title, reason, attempts)
       values ($1, $2, $3, $4, $5, coalesce((select jsonb_agg(jsonb_build_object('fence', a.fence, 'attempt', a.attempt, 'agent_id', a.agent_id,
         'outcome', a.outcome, 'error', a.error, 'started_at', a.started_at, 'ended_at', a.ended_at, 'usage', a.usage) order by a.fence)
         from task_attempts a where a.tenant_id = $1 and a.task_id = $3), '[]'))
       returning *`,
      [tenantId, newId(), taskId, title, reason],
    );
    if (!row) throw new Error('An insert returned no row.');
    return row;
  }

  /** Whether the task's deadline has passed, by the database's clock. */
  async isLate(tenantId: string, taskId: string): Promise<boolean> {
    return (await this.sql.row('select 1 from tasks where tenant_id = $1 and id = $2 and deadline <= clock_timestamp()', [tenantId, taskId])) !== undefined;
  }

  async markRetried(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('update dead_letters set retried_at = now() where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  async remove(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('delete from dead_letters where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  /** Asks for open entries whose reason contains a text to be started again. @returns how many */
  requestRetries(tenantId: string, reason: string | undefined): Promise<number> {
    return this.sql.execute(
      `update dead_letters set retry_requested_at = now()
       where tenant_id = $1 and retried_at is null and retry_requested_at is null and ($2::text is null or position(lower($2) in lower(reason)) > 0)`,
      [tenantId, reason ?? null],
    );
  }

  async stats(tenantId: string): Promise<{ total: number; last_24h: number; oldest_at: Date | null; top_reasons: { reason: string; count: number }[] }> {
    const row = await this.sql.row<{ total: number; last_24h: number; oldest_at: Date | null }>(
      `select count(*)::int as total, count(*) filter (where created_at > now() - interval '24 hours')::int as last_24h, min(created_at) as oldest_at
       from dead_letters where tenant_id = $1 and retried_at is null`,
      [tenantId],
    );
    const top = await this.sql.rows<{ reason: string; count: number }>(
      `select left(reason, 200) as reason, count(*)::int as count from dead_letters where tenant_id = $1 and retried_at is null
       group by 1 order by 2 desc, 1 limit 10`,
      [tenantId],
    );
    return { total: row?.total ?? 0, last_24h: row?.last_24h ?? 0, oldest_at: row?.oldest_at ?? null, top_reasons: top };
  }
}
