import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import type { RuleSubject } from './approval-rule.matcher.js';
import type { ApprovalStatus, TraceEntry } from './approval.entity.js';

/** Something that was asked for: an approval, or what was let through without one. */
export interface RecordedRequest {
  approval_id: string | null;
  title: string | null;
  status: ApprovalStatus | null;
  trace: TraceEntry[];
  subject: RuleSubject;
  created_at: Date;
}

const KEPT_DAYS = 90;
const BATCH = 5_000;

/** Rows of `approval_passes`, and the history that rules are tried on. */
@Injectable()
export class ApprovalPassesRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert(row: { tenant_id: string; id: string; agent_id: string | null; facts: object }): Promise<void> {
    await this.sql.execute('insert into approval_passes (tenant_id, id, agent_id, facts) values ($1, $2, $3, $4)', [row.tenant_id, row.id, row.agent_id, JSON.stringify(row.facts)]);
  }

  /** The latest requests of some days, newest first. Both tables are read by their keys, in which the time stands. */
  async history(tenantId: string, days: number, most: number): Promise<RecordedRequest[]> {
    return this.sql.rows<RecordedRequest>(
      `(select id as approval_id, title, status, trace, created_at,
          jsonb_strip_nulls(facts || jsonb_build_object('kind', action ->> 'kind', 'agent_id', agent_id, 'risk', risk, 'cost_usd', cost_usd, 'confidence', confidence)) as subject
        from approvals where tenant_id = $1 and created_at > now() - make_interval(days => $2) and action_hash <> '' order by id desc limit $3)
       union all
       (select null, null, null, '[]', created_at, jsonb_strip_nulls(facts || jsonb_build_object('agent_id', agent_id)) from approval_passes
        where tenant_id = $1 and created_at > now() - make_interval(days => $2) order by id desc limit $3)
       order by created_at desc limit $3`,
      [tenantId, days, most],
    );
  }

  /** @returns how many were removed */
  async removeOld(): Promise<number> {
    return this.database.execute(
      `delete from approval_passes where ctid = any(array(select ctid from approval_passes where created_at < now() - make_interval(days => $1) limit $2))`,
      [KEPT_DAYS, BATCH],
    );
  }
}
