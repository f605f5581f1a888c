import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { TransactionHost } from '@nestjs-cls/transactional';
import { createApp, listen } from '../../src/app.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { createDatabase, type TestDatabase } from './databases.js';
import { ADMIN_TOKEN, JWT_SECRET, MASTER_KEY, request, type RunningPlane } from './requests.js';

export { ADMIN_TOKEN, type ApiResponse } from './requests.js';

/** One plane in this process. */
export interface Plane extends RunningPlane {
  app: INestApplication;
}

/**
 * `@Transactional()` asks one place per process for its transactions, which belongs to the plane started last. When that
 * one stops, the place goes back to the one before it. Planes that run at once in a test must share a database.
 */
const hosts: TransactionHost[] = [];
const currentHost = (TransactionHost as unknown as { _instanceMap: Map<symbol, TransactionHost> })._instanceMap;

function handBack(host: TransactionHost): void {
  hosts.splice(hosts.indexOf(host), 1);
  const last = hosts.at(-1);
  for (const key of currentHost.keys()) if (last) currentHost.set(key, last);
}

export interface PlaneOptions {
  environment?: Record<string, string>;
  /** A database to share with another plane, which then also drops it. */
  database?: TestDatabase;
  /** Called before the application starts, to register handlers of the test's own. */
  prepare?: (app: INestApplication) => void;
}

/** Starts a plane in this process; `ADMIN_TOKEN` is its bootstrap admin. */
export async function startPlane(options: PlaneOptions = {}): Promise<Plane> {
  const database = options.database ?? (await createDatabase());
  const data = mkdtempSync(join(tmpdir(), 'wheelhouse-plane-'));
  const config = loadConfig({
    DATABASE_URL: database.url,
    PORT: '0',
    WHEELHOUSE_DATA: data,
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    ADMIN_TOKEN,
    DATABASE_POOL: '8',
    JWT_SECRET,
    ...(options.environment?.['MASTER_KEY_FILE'] === undefined ? { MASTER_KEY } : {}),
    ...options.environment,
  });
  const app = await createApp(config);
  const host = app.get(TransactionHost);
  hosts.push(host);
  options.prepare?.(app);
  const url = await listen(app, config);
  return {
    app,
    url,
    database,
    request: (method, path, requestOptions) => request(url, method, path, requestOptions),
    stop: async () => {
      await app.close();
      handBack(host);
      rmSync(data, { recursive: true, force: true });
      if (!options.database) await database.drop();
    },
  };
}
