import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type Account, AdminClient } from '../scripts/demo/admin-client.ts';
import { type EmbeddedPostgres, startPostgres } from '../scripts/demo/embedded.ts';
import { freePort, newSecret, PlaneProcess } from '../scripts/demo/plane-process.ts';
import { BareProcess } from './bare-process.ts';
import { throwawayFolder } from '../scripts/demo/throwaway-folder.ts';

export const CLIENTS = 32;
/** The limit per credential is generous, but one credential for everything would still meet it. */
const KEYS = 8;

/** One PostgreSQL, the plane on it, and the peers beside it in databases of their own. */
export class World {
  readonly data = throwawayFolder('wheelhouse-bench-');
  readonly bare = new BareProcess();
  plane!: PlaneProcess;
  /** Headers of people's programs, one for each client. */
  keys: Record<string, string>[] = [];
  /** Headers of agents, one for each client. */
  agents: Record<string, string>[] = [];
  readonly account: Account = { email: 'bench@example.com', password: newSecret() };
  private postgres!: EmbeddedPostgres;

  async start(): Promise<void> {
    this.postgres = await startPostgres(join(this.data, 'data'));
    for (const name of ['bench_bare', 'bench_boss', 'bench_dbos']) await this.admin('postgres', `create database ${name} owner wheelhouse`);
    await this.startPlane();
    await this.bare.start(this.urlOf('bench_bare'));
  }

  private async startPlane(): Promise<void> {
    const setup = newSecret();
    this.plane = await this.newPlane({ SETUP_TOKEN: setup });
    await this.plane.start();
    const admin = new AdminClient(this.plane.url, this.account);
    await admin.setUp(setup);
    for (let number = 0; number < KEYS; number++) {
      const { key } = await admin.request<{ key: string }>('POST', '/security/api-keys', {
        name: `bench ${number}`,
        scopes: ['task:read', 'task:write'],
      });
      this.keys.push({ 'x-api-key': key });
    }
    this.keys = Array.from({ length: CLIENTS }, (_, index) => this.keys[index % KEYS] ?? {});
    for (let number = 0; number < CLIENTS; number++) {
      const { token } = await admin.request<{ token: string }>('POST', '/agents', {
        name: `Bench ${number}`,
        max_concurrent_tasks: 10_000,
      });
      this.agents.push({ 'x-agent-token': token });
    }
  }

  /** A plane process on the same database, not started. */
  async newPlane(more: Record<string, string> = {}): Promise<PlaneProcess> {
    return new PlaneProcess({
      PORT: String(await freePort()),
      WHEELHOUSE_DATA: join(this.data, 'plane'),
      DATABASE_URL: this.postgres.url,
      LOG_LEVEL: 'warn',
      // Sign-ins are limited by address: each comes from another one.
      TRUST_PROXY: 'loopback',
      NODE_ENV: 'production',
      EGRESS_ALLOW: '127.0.0.1',
      ...more,
    });
  }

  /** A new session of the administrator: the right to see secrets needs a fresh one. */
  async signIn(): Promise<Record<string, string>> {
    const response = await fetch(`${this.plane.url}/api/v1/auth/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(this.account) });
    if (!response.ok) throw new Error(`sign-in: ${response.status} ${await response.text()}`);
    return { authorization: `Bearer ${((await response.json()) as { access_token: string }).access_token}` };
  }

  /** The superuser's URL of a database. */
  adminUrlOf(database: string): string {
    const url = new URL(this.postgres.adminUrl);
    url.pathname = `/${database}`;
    return url.toString();
  }

  urlOf(database: string): string {
    const url = new URL(this.postgres.url);
    url.pathname = `/${database}`;
    return url.toString();
  }

  /** As the superuser, who may fill tables past row-level security. */
  async admin<T extends pg.QueryResultRow>(database: string, ...statements: string[]): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.adminUrlOf(database) });
    await client.connect();
    try {
      let rows: T[] = [];
      for (const statement of statements) ({ rows } = await client.query<T>(statement));
      return rows;
    } finally {
      await client.end();
    }
  }

  /** Queued tasks that any agent may take, straight into the table, as old tasks would lie there. */
  async queueTasks(count: number, status: 'queued' | 'completed' = 'queued'): Promise<void> {
    // The first one, made by HTTP, has made the lane.
    await this.send('POST', '/api/v1/tasks', { title: 'The first' });
    await this.admin(
      'wheelhouse',
      `insert into tasks (tenant_id, id, title, payload, status, priority, priority_rank, lane_id, ready, created_by_kind, created_by_id, completed_at)
       select lane.tenant_id, uuidv7(), 'Task ' || n, '{"n": 1}', '${status}', 'medium', 2, lane.id, ${status === 'queued'}, 'system', 'bench', ${status === 'queued' ? 'null' : 'now()'}
       from generate_series(1, ${count}) n,
         (select tenant_id, id from task_lanes where agent_id is null and board_id is null and required_tools = '{}' order by id limit 1) lane`,
    );
  }

  async settle(): Promise<void> {
    for (const database of ['wheelhouse', 'bench_bare', 'bench_boss', 'bench_dbos']) await this.admin(database, 'vacuum analyze');
    await this.admin('wheelhouse', 'checkpoint');
  }

  async send(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, headers = this.keys[0]): Promise<Response> {
    const response = await fetch(this.plane.url + path, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  async stop(): Promise<void> {
    await this.plane.stop();
    await this.bare.stop();
    await this.postgres.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}
