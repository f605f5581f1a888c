import { Injectable } from '@nestjs/common';
import { prepared } from '../../../platform/database/prepared.js';
import { Sql } from '../../../platform/database/sql.js';

/** A step that waits for something outside of its run, and for what. */
export interface AwaitingStep {
  runId: string;
  path: string;
  attempt: number;
  id: string;
  started_at: Date | null;
}

const COLUMNS = `run_id as "runId", path, attempt, waiting_id as id, started_at`;
const BY_IDS = prepared(`select ${COLUMNS} from workflow_steps where tenant_id = $1 and waiting_kind = $2 and waiting_id = any($3)`);
/** One look-up for each pattern that there is, however many steps wait for it: a loose scan of the index. */
const PATTERNS = prepared(`with recursive p as (
    (select waiting_id from workflow_steps where tenant_id = $1 and waiting_kind = 'event' and waiting_id is not null order by waiting_id limit 1)
    union all
    select (select s.waiting_id from workflow_steps s where s.tenant_id = $1 and s.waiting_kind = 'event' and s.waiting_id > p.waiting_id order by s.waiting_id limit 1) from p where p.waiting_id is not null
  ) select waiting_id as pattern from p where waiting_id is not null`);

/** Finds the steps that wait for what has happened. */
@Injectable()
export class AwaitedRepository {
  constructor(private readonly sql: Sql) {}

  byIds(tenantId: string, kind: 'task' | 'approval', ids: readonly string[]): Promise<AwaitingStep[]> {
    return this.sql.rows<AwaitingStep>(BY_IDS, [tenantId, kind, ids]);
  }

  /** A step waits for something whose id was not known before it was made. In the transaction that holds its run. */
  async waitFor(tenantId: string, { runId, path }: { runId: string; path: string }, id: string): Promise<void> {
    await this.sql.execute('update workflow_steps set waiting_id = $4 where tenant_id = $1 and run_id = $2 and path = $3', [tenantId, runId, path, id]);
  }

  /** Patterns of events that steps wait for now. */
  async patterns(tenantId: string): Promise<string[]> {
    return (await this.sql.rows<{ pattern: string }>(PATTERNS, [tenantId])).map(({ pattern }) => pattern);
  }

  byPattern(tenantId: string, pattern: string, most: number): Promise<AwaitingStep[]> {
    return this.sql.rows<AwaitingStep>(`select ${COLUMNS} from workflow_steps where tenant_id = $1 and waiting_kind = 'event' and waiting_id = $2 order by started_at limit $3`, [tenantId, pattern, most]);
  }
}
