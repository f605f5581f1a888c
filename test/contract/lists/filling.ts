import type pg from 'pg';

/** Tables that grow with time, and what makes a copy of a row another row: SQL of `g` (i, id, at) and the row `r`. */
const GROWING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  audit_log: { occurred_at: 'g.at' },
  board_memory: {},
  dead_letters: { retried_at: 'g.at' },
  intake_submissions: {},
  tasks: { status: `'completed'`, ready: 'false', started_at: 'g.at', completed_at: 'g.at', updated_at: 'g.at' },
  task_comments: {},
  approvals: { status: `'approved'`, decided_at: 'g.at', updated_at: 'g.at' },
  notifications: { key: 'null', read_at: 'g.at' },
  workflow_runs: { root_run_id: 'g.id', status: `'completed'`, started_at: 'g.at', ended_at: 'g.at', start_key: 'null', open: '0' },
};

/** What people make and keep: there are no more than a list counts. */
const KEPT: typeof GROWING = {
  agents: { slug: `'agent-' || g.i`, name: `'agent ' || g.i` },
  secrets: { name: `'secret-' || g.i` },
};

/** Rows that no request makes by itself, made beside what they belong to. */
const BESIDE = [
  `insert into trigger_firings (tenant_id, id, trigger_id, status, event, due_at, created_at, ended_at, chain)
   select p.tenant_id, g.id, p.id, 'fired', '{"name": "task.completed", "data": {}}', g.at, g.at, g.at, '{}' from triggers p, g where p.tenant_id = $1`,
  `insert into webhook_deliveries (tenant_id, id, lane, webhook_id, key, type, data, occurred_at, status, max_tries, due_at, created_at, ended_at)
   select p.tenant_id, g.id, p.id::text, p.id, g.id::text, 'task.completed', '{}', g.at, 'delivered', 8, g.at, g.at, g.at from webhooks p, g where p.tenant_id = $1 and direction = 'outbound'`,
  `insert into webhook_payloads (tenant_id, id, webhook_id, body_hash, content, size, form, status, received_at, handled_at)
   select p.tenant_id, g.id, p.id, sha256(g.id::text::bytea), '', 1, 'standard', 'done', g.at, g.at from webhooks p, g where p.tenant_id = $1 and direction = 'inbound'`,
];

/**
 * Fills tables with copies of a tenant's rows, one every five seconds into the past.
 * @param many rows of what grows
 * @param few rows of what is kept
 */
export async function fillTables(admin: pg.Client, tenantId: string, many: number, few: number): Promise<void> {
  // Neither foreign keys nor what the plane does with a new row: they have been there for long.
  await admin.query('set session_replication_role = replica');
  await admin.query('set synchronous_commit = off');
  await admin.query(`create temp table g as select i, uuidv7(make_interval(secs => -5 * i)) as id, now() - make_interval(secs => 5 * i) as at from generate_series(1, ${many}) as i`);
  for (const [table, changes] of Object.entries({ ...GROWING, ...KEPT })) {
    const { rows } = await admin.query<{ name: string }>(`select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = ''`, [table]);
    const all: Record<string, string> = { id: 'g.id', created_at: 'g.at', ...changes };
    await admin.query(
      `insert into ${table} (${rows.map(({ name }) => name).join(', ')})
       select ${rows.map(({ name }) => all[name] ?? `r.${name}`).join(', ')} from (select * from ${table} where tenant_id = $1 order by id limit 1) as r, g where g.i <= $2`,
      [tenantId, table in KEPT ? few : many],
    );
  }
  for (const statement of BESIDE) await admin.query(statement, [tenantId]);
  await admin.query('vacuum analyze');
}
