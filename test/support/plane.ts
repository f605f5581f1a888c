import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { TransactionHost } from '@nestjs-cls/transactional';
import { createApp, listen } from '../../src/app.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { createDatabase, type TestDatabase } from './databases.js';

export const ADMIN_TOKEN = 'test-admin-token-0123456789abcdef';

/** Of planes that share a database, too. */
export const MASTER_KEY = 'b7c1f0a99d3e5b2846e7d8c0f1a2937465bd8ce01f32a4d596e7f80b1c2d3e4f';

export interface ApiResponse<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export interface RequestOptions {
  token?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** One plane: an application on a database of its own, reached over HTTP like by anyone else. */
export interface Plane {
  app: INestApplication;
  url: string;
  database: TestDatabase;
  request<T = Record<string, unknown>>(method: string, path: string, options?: RequestOptions): Promise<ApiResponse<T>>;
  stop(): Promise<void>;
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
    JWT_SECRET: 'test-jwt-secret-0123456789abcdef0123456789abcdef',
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

/** One HTTP request; JSON in and out. */
export async function request<T>(url: string, method: string, path: string, options: RequestOptions = {}): Promise<ApiResponse<T>> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text === '' ? undefined : tryJson(text)) as T };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
