import type { AgentContent } from './erasures.js';

/** Where a walk through a table has come to: the key of the last row, as text. */
export type Place = readonly string[];

/** What one step of a walk came to. */
export interface Step {
  erased: number;
  /** How many rows were looked at. */
  seen: number;
  last: Place | null;
}

/** How many rows a step looks at, or a statement removes. */
export const STEP = 5_000;

/**
 * One step through a tenant's rows of a table: looks at the next so many behind a place, and erases what is the agent's.
 * Values: tenant, agent, then the place's columns.
 */
export function walkStatement({ table, key, where, set }: AgentContent, place: Place | undefined): string {
  const columns = key.map(([column]) => column);
  const behind = place ? ` and (${columns.join(', ')}) > (${key.map(([, type], index) => `$${index + 3}::${type}`).join(', ')})` : '';
  const joined = `t.tenant_id = $1::uuid and ${columns.map((column) => `t.${column} = page.${column}`).join(' and ')} and (${where})`;
  return `with page as materialized (
      select ${columns.join(', ')} from ${table} where tenant_id = $1::uuid${behind} order by ${columns.join(', ')} limit ${STEP}
    ), erased as (
      ${set === undefined ? `delete from ${table} t using page where ${joined}` : `update ${table} t set ${set} from page where ${joined}`} returning 1
    )
    select (select count(*)::int from erased) as erased, (select count(*)::int from page) as seen,
      (select array[${columns.map((column) => `${column}::text`).join(', ')}] from page order by ${columns.map((column) => `${column} desc`).join(', ')} limit 1) as last`;
}
