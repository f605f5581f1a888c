import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chown, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { errorCode, StartupError } from '../startup-error.js';
import { SERVER_ENVIRONMENT } from './embedded-account.js';
import { connectionUrl, OWNER, scramVerifier, SUPERUSER, type Credentials } from './embedded-credentials.js';
import { readIfThere, sweepLeftovers, syncFolder, writeAtomically } from './embedded-files.js';
import type { Place } from './embedded-place.js';

/**
 * What differs from PostgreSQL's own defaults: for a control plane on a small machine with an SSD, whose queue tables
 * change all the time. The log gets neither statements nor details, which could hold somebody's data.
 */
const DEFAULTS: Record<string, string> = {
  shared_buffers: '128MB',
  max_connections: '100',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  wal_compression: 'on',
  min_wal_size: '80MB',
  max_wal_size: '1GB',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  jit: 'off',
  autovacuum_naptime: '15s',
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_analyze_scale_factor: '0.05',
  client_connection_check_interval: '5s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
};

/** Name of our own settings file in the cluster folder. `ALTER SYSTEM` still has the last word over it. */
const SETTINGS_FILE = 'wheelhouse.conf';

/**
 * Writes the settings for the next start of the server.
 *
 * @returns whether they differ from those that were there
 */
export async function writeSettings(place: Place, overrides: Record<string, string>): Promise<boolean> {
  const path = join(place.cluster, SETTINGS_FILE);
  const entries = Object.entries({ ...DEFAULTS, ...overrides });
  const bad = entries.find(([name, value]) => !/^[a-z_][a-z0-9_.]*$/i.test(name) || /[\n\0]/.test(value));
  if (bad) throw new StartupError(`${JSON.stringify(bad[0])} is no valid PostgreSQL setting`);
  const lines = entries.map(([name, value]) => `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);
  const text = `# Written at every start. To change a setting for good, use ALTER SYSTEM.\n${lines.join('\n')}\n`;
  if ((await readIfThere(path)) === text) return false;
  await writeAtomically(path, text, { owner: place.account });
  return true;
}

/**
 * Makes a new cluster beside its final place and moves it there when it is complete, so that an interrupted first start
 * leaves nothing that looks like a database.
 */
export async function createCluster(place: Place, credentials: Credentials, durable: boolean): Promise<void> {
  await sweepLeftovers(place.home);
  const id = randomBytes(6).toString('hex');
  const [folder, secret] = [join(place.home, `postgres.new-${id}`), join(place.home, `postgres.init-${id}`)];
  try {
    await mkdir(folder, { mode: 0o700 });
    if (place.account) await chown(folder, place.account.uid, place.account.gid);
    await writeAtomically(secret, `${await scramVerifier(credentials.superuser)}\n`, { owner: place.account });
    await runInitdb(place, folder, secret, durable);
    await appendFile(join(folder, 'postgresql.conf'), `\ninclude_if_exists = '${SETTINGS_FILE}'\n`);
    await rename(folder, place.cluster);
    await syncFolder(place.cluster);
  } finally {
    await rm(secret, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

async function runInitdb(place: Place, folder: string, secret: string, durable: boolean): Promise<void> {
  // The built-in C.UTF-8 sorts by code point, alike on every platform and unchanged by updates of the C library.
  const locale = ['--no-locale', '--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const access = [`--username=${SUPERUSER}`, `--pwfile=${secret}`, '--auth-host=scram-sha-256', '--auth-local=scram-sha-256'];
  const options = [`--pgdata=${folder}`, '--data-checksums', '--no-instructions', ...(durable ? [] : ['--no-sync'])];
  const output: string[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(place.binaries.initdb, [...options, ...locale, ...access], {
      ...place.account,
      cwd: '/',
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'pipe'],
      // Ctrl-C belongs to the program, not to a half-made database.
      detached: true,
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text));
    child.on('error', (error) => reject(new StartupError(`cannot run initdb: ${error.message}`, { cause: error })));
    child.on('close', resolve);
  });
  if (code === 0) return;
  const reason = output
    .join('')
    .split('\n')
    .find((line) => /(error|fatal|could not)/i.test(line));
  throw new StartupError(`PostgreSQL could not make its database in ${place.home}: ${reason ?? `initdb ended with ${String(code)}`}`);
}

/** A short conversation with the server. Times are in ms; the connection is always closed. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
    application_name: 'wheelhouse-start',
  });
  let broken: Error | undefined;
  client.on('error', (error) => (broken = error));
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw broken ?? error;
  } finally {
    await client.end();
  }
}

/** Makes the owner role and its database unless a login shows that both are there. Safe to repeat after a crash. */
export async function provision(port: number, credentials: Credentials, isNew: boolean): Promise<void> {
  if (!isNew && (await ownerCanLogIn(port, credentials))) return;
  const verifier = await scramVerifier(credentials.wheelhouse);
  await withClient(connectionUrl(SUPERUSER, credentials.superuser, port, 'postgres'), async (client) => {
    const { rowCount: roles } = await client.query('select from pg_roles where rolname = $1', [OWNER]);
    if (!roles) await client.query(`create role ${OWNER}`);
    await client.query(`alter role ${OWNER} login createrole nosuperuser nocreatedb noreplication nobypassrls password '${verifier}'`);
    const { rowCount: databases } = await client.query('select from pg_database where datname = $1', [OWNER]);
    if (!databases) await client.query(`create database ${OWNER} owner ${OWNER}`);
  });
}

async function ownerCanLogIn(port: number, credentials: Credentials): Promise<boolean> {
  try {
    return await withClient(connectionUrl(OWNER, credentials.wheelhouse, port, OWNER), () => Promise.resolve(true));
  } catch (error) {
    // No such role or another password; no such database.
    if (['28000', '28P01', '3D000'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}
