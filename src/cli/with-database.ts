import { join } from 'node:path';
import pg from 'pg';
import type { Config } from '../platform/config/config.js';
import { connectionUrl, loadCredentials, OWNER } from '../platform/database/embedded-credentials.js';
import { dataFiles, isThere, readIfThere } from '../platform/database/embedded-files.js';
import { startEmbeddedPostgres } from '../platform/database/embedded-postgres.js';
import { StartupError } from '../platform/startup-error.js';

/** Works on the database of a plane: of DATABASE_URL, or the embedded one, which is started for it when no plane runs. */
export async function withDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  const given = config.get('DATABASE_URL');
  if (given !== undefined) return work(given);
  const dataDir = config.get('WHEELHOUSE_DATA');
  const files = dataFiles(dataDir);
  if (!(await isThere(files.password))) throw new StartupError(`there is no database in ${join(dataDir)}: set WHEELHOUSE_DATA or DATABASE_URL as for the plane`);
  const port = (await readIfThere(files.port))?.trim();
  const running = port === undefined ? undefined : connectionUrl(OWNER, (await loadCredentials(files.password, true)).wheelhouse, Number(port), OWNER);
  if (running !== undefined && (await answers(running))) return work(running);
  const postgres = await startEmbeddedPostgres({ dataDir });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  } finally {
    await client.end();
  }
}
