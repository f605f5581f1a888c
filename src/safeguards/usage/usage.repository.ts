import { Injectable } from '@nestjs/common';
import { ADVISORY_LOCKS } from '../../platform/database/advisory-locks.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';

/** From a day to a day, both included, as `2026-01-31`, in UTC. */
export interface Days {
  from: string;
  to: string;
}

/** Sums, exact. PostgreSQL writes the money as a decimal. */
export interface UsageSum {
  cost_usd: string;
  input_tokens: string;
  output_tokens: string;
}

const BATCH = 10_000;
const SUMS = 'coalesce(sum(cost_usd), 0) as cost_usd, coalesce(sum(input_tokens), 0) as input_tokens, coalesce(sum(output_tokens), 0) as output_tokens';

/** The sums of finished rounds and what came in since, of tenant `$1` from day `$2` to `$3`. One statement sees each entry once. */
const USED = `(
    select day, agent_id, cost_usd, input_tokens, output_tokens from usage_daily where tenant_id = $1 and day between $2::date and $3::date
    union all
    select (occurred_at at time zone 'UTC')::date, agent_id, cost_usd, input_tokens, output_tokens from usage_entries
    where tenant_id = $1 and occurred_at >= $2::timestamp at time zone 'UTC' and occurred_at < ($3::timestamp + interval '1 day') at time zone 'UTC'
  ) as used`;

/** The sum of days, from two indexes however much others have used. */
export const TOTAL_USED = `select ${SUMS} from ${USED}`;

/** Rows of `usage_entries` and `usage_daily`. */
@Injectable()
export class UsageRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async total(tenantId: string, { from, to }: Days): Promise<UsageSum> {
    return (await this.sql.row<UsageSum>(TOTAL_USED, [tenantId, from, to])) as UsageSum;
  }

  /** Days on which something was used, first to last. */
  byDay(tenantId: string, { from, to }: Days): Promise<(UsageSum & { day: string })[]> {
    return this.sql.rows(`select day::text, ${SUMS} from ${USED} group by day order by day`, [tenantId, from, to]);
  }

  /** The agents that cost most, and, with a null agent, all others together where there are more. */
  byAgent(tenantId: string, { from, to }: Days, most: number): Promise<(UsageSum & { agent_id: string | null })[]> {
    return this.sql.rows(
      `with ranked as (
         select agent_id, ${SUMS}, row_number() over (order by sum(cost_usd) desc, agent_id) > $4 as beyond from ${USED} group by agent_id
       )
       select case when beyond then null else agent_id end as agent_id, ${SUMS} from ranked group by 1 order by 1 is null, 2 desc, 1`,
      [tenantId, from, to, most],
    );
  }

  /** Adds entries of all tenants to their days, and takes them out, in one statement. @returns whether there may be more */
  rollUp(): Promise<boolean> {
    return this.database.transaction(async (client) => {
      const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1) as got', [ADVISORY_LOCKS.usageRollUp]);
      if (!rows[0]?.got) return false;
      const { rows: counted } = await client.query<{ count: number }>(
        `with taken as (
           delete from usage_entries where ctid = any(array(select ctid from usage_entries limit ${BATCH})) returning *
         ), added as (
           insert into usage_daily (tenant_id, day, agent_id, source, model, entries, cost_usd, input_tokens, output_tokens)
           select tenant_id, (occurred_at at time zone 'UTC')::date, agent_id, source, model, count(*), sum(cost_usd), sum(input_tokens), sum(output_tokens)
           from taken group by 1, 2, 3, 4, 5
           on conflict (tenant_id, day, agent_id, source, model) do update set entries = usage_daily.entries + excluded.entries,
             cost_usd = usage_daily.cost_usd + excluded.cost_usd, input_tokens = usage_daily.input_tokens + excluded.input_tokens,
             output_tokens = usage_daily.output_tokens + excluded.output_tokens
         )
         select count(*)::int as count from taken`,
      );
      return counted[0]?.count === BATCH;
    });
  }
}
