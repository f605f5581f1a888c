import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

type EmbeddedModule = typeof import('../../src/platform/database/embedded-postgres.js');
export type EmbeddedPostgres = Awaited<ReturnType<EmbeddedModule['startEmbeddedPostgres']>>;

/** The embedded PostgreSQL of the built program, as durable as for anybody. */
export async function startPostgres(dataDir: string): Promise<EmbeddedPostgres> {
  const file = join(process.cwd(), 'dist', 'platform', 'database', 'embedded-postgres.js');
  const { startEmbeddedPostgres } = (await import(pathToFileURL(file).href)) as EmbeddedModule;
  return startEmbeddedPostgres({ dataDir });
}
