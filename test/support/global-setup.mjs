import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
// The built code: Jest loads a global set-up without the module mapping that the tests have.
import { startEmbeddedPostgres } from '../../dist/platform/database/embedded-postgres.js';
import { memoryFolder } from './memory-folder.mjs';

/** Starts one PostgreSQL for the whole run; suites make their databases on it (see databases.ts). */
export default async function globalSetup() {
  const dataDir = mkdtempSync(join(memoryFolder(), 'wheelhouse-test-'));
  const server = await startEmbeddedPostgres({
    dataDir,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300', shared_buffers: '256MB' },
  });
  globalThis.wheelhouseServer = { stop: () => server.stop(), dataDir };
  const file = join(dataDir, 'server.json');
  writeFileSync(file, JSON.stringify({ url: server.url, adminUrl: server.adminUrl }), { mode: 0o600 });
  process.env.WH_TEST_SERVER_FILE = file;
}
