import { rmSync } from 'node:fs';

/** Stops the run's PostgreSQL and removes its data. */
export default async function globalTeardown() {
  const server = globalThis.wheelhouseServer;
  if (!server) return;
  await server.stop();
  rmSync(server.dataDir, { recursive: true, force: true });
}
