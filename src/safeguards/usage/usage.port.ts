/** What an agent has used for something. */
export interface Usage {
  /** In USD, with at most 6 decimals. */
  cost_usd: number;
  input_tokens: number;
  output_tokens: number;
  model: string | null;
}

/** What it was used for: each part of the plane that learns of usage has a name of its own. */
export type UsageSource = 'task';

/**
 * SQL that enters usage into the ledger, as a part of the statement that writes down what it was used for: one round
 * trip, one transaction, and no row that two of them share. `$1` is the tenant.
 * @param rows what holds the rows, with `Usage` in a jsonb column `usage`; without it a row is left out
 * @param agent the column that names the agent
 */
export const enterUsage = (source: UsageSource, rows: string, agent: string): string =>
  `insert into usage_entries (tenant_id, agent_id, source, model, cost_usd, input_tokens, output_tokens)
   select $1, u.${agent}, '${source}', coalesce(u.usage ->> 'model', ''), (u.usage ->> 'cost_usd')::numeric, (u.usage ->> 'input_tokens')::bigint, (u.usage ->> 'output_tokens')::bigint
   from ${rows} u where u.usage is not null`;
