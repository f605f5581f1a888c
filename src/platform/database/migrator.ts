import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { AbstractLogger, DataSource } from 'typeorm';
import { MIGRATIONS } from '../../migrations/all.js';
import type { Config } from '../config/config.js';
import { installJobs } from '../jobs/job-schema.js';
import { errorCode, errorText, StartupError } from '../startup-error.js';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { poolOptions } from './pool-options.js';

/** PostgreSQL 15.0 as `server_version_num`. */
const OLDEST_SERVER = 150_000;
/** How often a process asks whether it is its turn to migrate. */
const TURN_PAUSE_MS = 100;
const INSUFFICIENT_PRIVILEGE = '42501';

/** The data source that migrations run on: the role of DATABASE_URL itself, which owns the tables. */
export function migrationDataSource(config: Config): DataSource {
  const { connectionString, password, options } = poolOptions(config, undefined, 1);
  return new DataSource({
    type: 'postgres',
    url: connectionString,
    ...(password ? { password: password as string } : {}),
    extra: { options: (options ?? '').replace('statement_timeout=30s', 'statement_timeout=0').replace('lock_timeout=10s', 'lock_timeout=0'), max: 2 },
    migrations: MIGRATIONS,
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    logger: new NoLogger(),
  });
}

/** TypeORM prints migrations that fail, whatever it is told; they are thrown as well. */
class NoLogger extends AbstractLogger {
  protected writeLog(): void {
    // Nothing is written.
  }
}

/**
 * Brings the database up to this version, one process at a time, and re-bases the event log after a restore.
 * @returns how many migrations ran
 * @throws StartupError when the server is away or too old, or was migrated by a newer version
 */
export async function migrate(config: Config): Promise<number> {
  const lock = new pg.Client({ ...poolOptions(config, undefined, 1), statement_timeout: 0, lock_timeout: 0 });
  // A connection that breaks later makes the statements below fail; this listener keeps it from ending the process.
  lock.on('error', () => undefined);
  await connect(lock);
  try {
    await refuseOldServer(lock);
    await lock.query('set statement_timeout = 0; set lock_timeout = 0');
    await takeTurn(lock);
    await refuseNewerSchema(lock);
    const count = await runMigrations(config);
    await installJobs(lock);
    await rebaseEventLog(lock);
    return count;
  } finally {
    await lock.end();
  }
}

/**
 * Waits for the processes that migrate before this one. It asks again and again: a statement that waited in the server would be
 * one of those that an index made concurrently waits for, and neither would ever end.
 */
async function takeTurn(client: pg.Client): Promise<void> {
  const isOurs = async (): Promise<boolean> => {
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [ADVISORY_LOCKS.migration]);
    return rows[0]?.got === true;
  };
  while (!(await isOurs())) await sleep(TURN_PAUSE_MS);
}

async function runMigrations(config: Config): Promise<number> {
  const dataSource = await migrationDataSource(config).initialize();
  try {
    return (await dataSource.runMigrations()).length;
  } catch (cause) {
    if (errorCode(cause) !== INSUFFICIENT_PRIVILEGE) throw cause;
    throw new StartupError(`the role of DATABASE_URL lacks a right (${errorText(cause)}): it must own its database and may have to create roles`, { cause });
  } finally {
    await dataSource.destroy();
  }
}

async function connect(client: pg.Client): Promise<void> {
  try {
    await client.connect();
  } catch (cause) {
    const code = (cause as { code?: string }).code ?? (cause as Error).name;
    throw new StartupError(`database unreachable (${code}): check DATABASE_URL and that the server is running`);
  }
}

async function refuseOldServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`);
  if (Number(rows[0]?.version) < OLDEST_SERVER) throw new StartupError('database too old: PostgreSQL 15 or newer is needed');
}

async function refuseNewerSchema(client: pg.Client): Promise<void> {
  const { rows: exists } = await client.query(`select 1 from information_schema.tables where table_name = 'schema_migrations' and table_schema = current_schema()`);
  if (exists.length === 0) return;
  const { rows } = await client.query<{ name: string }>('select name from schema_migrations');
  const known = new Set(MIGRATIONS.map((migration) => migration.name));
  const foreign = rows.find((row) => !known.has(row.name));
  if (foreign) throw new StartupError(`database was made by a newer version of Wheelhouse (it has ${foreign.name}): start that version`);
}

/**
 * Transaction ids order the event log, and a dump restored into another cluster brings ids from the old one. Shifting
 * all of them below zero keeps their order and puts them before everything the new cluster will write.
 */
async function rebaseEventLog(client: pg.Client): Promise<void> {
  await client.query('begin');
  try {
    const moved = await client.query(
      `update installation set system_identifier = (select system_identifier::text from pg_control_system())
       where system_identifier <> (select system_identifier::text from pg_control_system())`,
    );
    if (moved.rowCount) {
      await client.query(`set local role wheelhouse_system`);
      await client.query(`with top as (select coalesce(max(tx), 0) + 1 as shift from (select max(tx) as tx from events union all select max(tx) from event_consumers) t)
        , moved as (update events set tx = tx - top.shift from top returning 1)
        , waiting as (update event_backlogs set tx = tx - top.shift, until_tx = until_tx - top.shift from top returning 1)
        , passed as (update trigger_states set tx = least(tx - top.shift, -1) from top returning 1)
        update event_consumers set tx = event_consumers.tx - top.shift from top`);
      await rebaseAuditLog(client);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/**
 * The rows of the audit log cannot be shifted: they are never changed. New ones get ids above all that were brought along.
 * The transaction runs as the system role when it comes here.
 */
async function rebaseAuditLog(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ tx_offset: string }>(
    `update audit_sequencer set tx_offset = greatest(tx, (select coalesce(max(tx), 0) from audit_log)) returning tx_offset::text`,
  );
  await client.query('set local role none');
  await client.query(`alter table audit_log alter column tx set default (pg_current_xact_id()::text::bigint + ${BigInt(rows[0]?.tx_offset ?? 0)})`);
}

/**
 * Makes sure that the pools run as a role that row-level security binds.
 * @throws StartupError when DATABASE_URL leads to a role that could pass by it
 */
export async function refusePrivilegedRole(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ rolname: string; unsafe: boolean }>(
    'select rolname, rolsuper or rolbypassrls as unsafe from pg_roles where rolname = current_user',
  );
  if (rows[0]?.unsafe !== false) throw new StartupError(`refusing to run as ${rows[0]?.rolname ?? 'an unknown role'}: that role bypasses row-level security`);
}
