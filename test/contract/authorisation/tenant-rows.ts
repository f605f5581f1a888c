import pg from 'pg';
import { superuserUrl } from '../../support/databases.js';
import type { RunningPlane } from '../../support/requests.js';

type Row = Record<string, unknown>;
/** Rows by `table/key`. */
export type Rows = ReadonlyMap<string, Row>;

/** What the plane writes by itself, or about every request: it is no part of what a request changes. */
const ASIDE = /^(?:audit_|events$|sessions$|sign_in|agent_presence|idempotency|spent_|webhook_lanes$|webhook_deliveries$|webhook_payloads$|trigger_states$|trigger_firings$|notifications$)/;

/** What the plane tells people comes behind the change that it is about, while something else is looked at. */
const NOT_TOLD = ` and x.type = 'matrix'`;

/** What is written behind the request that it is about. */
const BEHIND = 'last_run_at';

/** Everything that a tenant has in the database, read past row-level security. */
export class TenantRows {
  private constructor(
    private readonly client: pg.Client,
    private readonly query: string,
  ) {}

  static async open(plane: RunningPlane): Promise<TenantRows> {
    const client = new pg.Client({ connectionString: superuserUrl(plane.database.name) });
    await client.connect();
    const { rows } = await client.query<{ name: string; key: string[] }>(
      `select c.relname as name, array_agg(k.attname order by k.attnum)::text[] as key
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
         join pg_index i on i.indrelid = c.oid and i.indisprimary join pg_attribute k on k.attrelid = c.oid and k.attnum = any(i.indkey)
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' group by 1 order by 1`,
    );
    const tables = rows.filter(({ name }) => !ASIDE.test(name));
    const parts = tables.map(({ name, key }) => `select '${name}/' || concat_ws('/', ${key.map((column) => `x.${column}::text`).join(', ')}) as key, to_jsonb(x) - '${BEHIND}' as row from ${name} x where x.tenant_id = $1${name === 'notifications' ? NOT_TOLD : ''}`);
    return new TenantRows(client, parts.join(' union all '));
  }

  async of(tenantId: string): Promise<Rows> {
    const { rows } = await this.client.query<{ key: string; row: Row }>(this.query, [tenantId]);
    return new Map(rows.map(({ key, row }) => [key, row]));
  }

  close(): Promise<void> {
    return this.client.end();
  }
}

export interface RowChange {
  key: string;
  /** Columns that differ; `added` and `removed` say that the row itself came or went. */
  columns: string[];
  row: Row;
}

export function changesBetween(before: Rows, after: Rows): RowChange[] {
  const changes: RowChange[] = [];
  for (const [key, row] of after) {
    const old = before.get(key);
    const columns = old ? Object.keys(row).filter((column) => JSON.stringify(row[column]) !== JSON.stringify(old[column])) : ['added'];
    if (columns.length > 0) changes.push({ key, columns, row });
  }
  for (const [key, row] of before) if (!after.has(key)) changes.push({ key, columns: ['removed'], row });
  return changes;
}
