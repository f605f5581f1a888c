import type pg from 'pg';
import { PgBoss } from 'pg-boss';
import { APP_ROLE, SYSTEM_ROLE } from '../database/tenant-table.js';

/** Schema of pg-boss, in the one database. Owned by the role that migrates; nobody who runs may change it. */
export const JOBS_SCHEMA = 'pgboss';
const TABLE = `${JOBS_SCHEMA}.job_common`;
const SETTLE_MS = 250;

const MINE = `data ->> 'tenant_id' = current_setting('app.tenant_id', true)`;

/**
 * Workers, of the system role, see every job. The running role may add one for the transaction's tenant, and of what
 * is there it sees no more than the ids of that tenant's jobs.
 */
const RIGHTS = [
  `grant usage on schema ${JOBS_SCHEMA} to ${APP_ROLE}, ${SYSTEM_ROLE}`,
  `grant select, insert, update, delete on all tables in schema ${JOBS_SCHEMA} to ${SYSTEM_ROLE}`,
  `grant usage on all sequences in schema ${JOBS_SCHEMA} to ${SYSTEM_ROLE}`,
  `grant select on ${JOBS_SCHEMA}.queue to ${APP_ROLE}`,
  `grant insert, select (id, data) on ${TABLE} to ${APP_ROLE}`,
  `alter table ${TABLE} enable row level security`,
  `drop policy if exists tenant_isolation on ${TABLE}`,
  `drop policy if exists system_access on ${TABLE}`,
  `create policy tenant_isolation on ${TABLE} for all to ${APP_ROLE} using (${MINE}) with check (${MINE})`,
  `create policy system_access on ${TABLE} for all to ${SYSTEM_ROLE} using (true) with check (true)`,
];

/** Makes or upgrades the schema of pg-boss. One process at a time: the caller holds the migration lock. */
export async function installJobs(client: pg.Client): Promise<void> {
  const before = await stateOf(client);
  const boss = new PgBoss({
    db: { executeSql: async (text: string, values?: unknown[]) => client.query(text, values) },
    schema: JOBS_SCHEMA,
    migrate: true,
    supervise: false,
    schedule: false,
    registerInstance: false,
  });
  // Whatever goes wrong here also rejects the call that it went wrong in.
  boss.on('error', () => undefined);
  await boss.start();
  try {
    await settle(boss);
  } finally {
    await boss.stop();
  }
  const after = await stateOf(client);
  if (after.version === before.version && after.secured) return;
  for (const statement of RIGHTS) await client.query(statement);
}

/** An upgrade may build indexes in the background; the schema is this version's once they are there. */
async function settle(boss: PgBoss): Promise<void> {
  for (;;) {
    const unfinished = (await boss.getBamStatus()).some(({ status }) => status === 'pending' || status === 'in_progress');
    if (!unfinished) return;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
}

async function stateOf(client: pg.Client): Promise<{ version: number | undefined; secured: boolean }> {
  const { rows: policies } = await client.query(`select 1 from pg_policies where schemaname = $1 and policyname = 'tenant_isolation'`, [JOBS_SCHEMA]);
  const { rows: tables } = await client.query<{ found: boolean }>(`select to_regclass('${JOBS_SCHEMA}.version') is not null as found`);
  if (!tables[0]?.found) return { version: undefined, secured: false };
  const { rows } = await client.query<{ version: number }>(`select version from ${JOBS_SCHEMA}.version`);
  return { version: rows[0]?.version, secured: policies.length > 0 };
}
