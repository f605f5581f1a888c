import { existsSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { isAlive, signal } from '../../src/platform/database/embedded-process.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { usedDataFolder } from '../support/data-template.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN } from '../support/requests.js';
import { Launcher, type Program, serverOf, serversIn } from '../support/processes.js';

const launcher = new Launcher();
afterEach(() => launcher.clear());

const createTask = (program: Program, title: string) => program.request<{ id: string }>('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title } });

describe('with its own database', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s stops all of it', async (name) => {
    const data = await usedDataFolder(launcher);
    const program = await launcher.start({ WHEELHOUSE_DATA: data }).ready();
    const server = serverOf(data);
    program.signal(name);
    expect(await program.end()).toEqual({ code: 0, signal: null });
    expect(await isAlive(server)).toBe(false);
    expect(serversIn(data)).toEqual([]);
    expect(readdirSync(data)).not.toContain('postgres.lock');
  });

  it('a signal during the start stops what was started', async () => {
    const data = await launcher.dataFolder();
    const program = launcher.start({ WHEELHOUSE_DATA: data });
    await eventually(() => existsSync(`${data}/postgres.log`));
    program.signal('SIGTERM');
    expect(await program.end()).toEqual({ code: 0, signal: null });
    expect(program.stdout).not.toContain('ready');
    expect(serversIn(data)).toEqual([]);
    expect(readdirSync(data)).not.toContain('postgres.lock');
    await launcher.start({ WHEELHOUSE_DATA: data }).ready();
  });

  it('after kill -9 the next start takes the running database over, with all that was acknowledged', async () => {
    const data = await usedDataFolder(launcher);
    const first = await launcher.start({ WHEELHOUSE_DATA: data, ADMIN_TOKEN }).ready();
    const { body: task } = await createTask(first, 'Outlives its process');
    const server = serverOf(data);
    await first.kill();
    expect(await isAlive(server)).toBe(true);
    const second = await launcher.start({ WHEELHOUSE_DATA: data, ADMIN_TOKEN }).ready();
    expect(serverOf(data)).toBe(server);
    expect((await second.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN })).body).toMatchObject({ title: 'Outlives its process' });
    second.signal('SIGTERM');
    expect((await second.end()).code).toBe(0);
    expect(serversIn(data)).toEqual([]);
  });

  it('after kill -9 of it and its database the next start recovers what was acknowledged', async () => {
    const data = await usedDataFolder(launcher);
    const first = await launcher.start({ WHEELHOUSE_DATA: data, ADMIN_TOKEN }).ready();
    const { body: task } = await createTask(first, 'Outlives its database');
    await first.kill();
    for (const pid of serversIn(data)) signal(pid, 'SIGKILL');
    const second = await launcher.start({ WHEELHOUSE_DATA: data, ADMIN_TOKEN }).ready();
    expect((await second.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN })).status).toBe(200);
  });

  it('ends by itself, and says why, when its database has been killed', async () => {
    const data = await usedDataFolder(launcher);
    const program = await launcher.start({ WHEELHOUSE_DATA: data, LOG_LEVEL: 'silent' }).ready();
    for (const pid of serversIn(data)) signal(pid, 'SIGKILL');
    expect(await program.end()).toEqual({ code: 1, signal: null });
    expect(program.stderr).toMatch(/^wheelhouse: the embedded PostgreSQL has ended: start again to recover$/m);
    await launcher.start({ WHEELHOUSE_DATA: data }).ready();
  });

  it('refuses a second process on the same data folder', async () => {
    const data = await usedDataFolder(launcher);
    const first = await launcher.start({ WHEELHOUSE_DATA: data }).ready();
    const second = launcher.start({ WHEELHOUSE_DATA: data });
    expect((await second.end()).code).toBe(1);
    expect(second.stderr).toBe(`wheelhouse: data folder ${data} is in use by process ${first.pid}\n`);
    expect((await first.request('GET', '/readyz')).status).toBe(200);
  });
});

describe('a drain', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  const start = async (): Promise<Program> => launcher.start({ DATABASE_URL: database.url, WHEELHOUSE_DATA: await launcher.dataFolder(), ADMIN_TOKEN }).ready();

  it('says that it is not ready, lets a request end, and only then ends', async () => {
    const program = await start();
    const [answer, ready] = await withAdmin(async (admin) => {
      await admin.query('begin; lock table tasks in exclusive mode');
      const answering = createTask(program, 'Waits for the lock');
      await eventually(async () => (await admin.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = $1`, [database.name])).rowCount);
      program.signal('SIGTERM');
      const seen = await eventually(async () => {
        const probe = await program.request('GET', '/readyz', { headers: { connection: 'close' } });
        return probe.status === 503 ? probe : undefined;
      });
      await refusesConnections(program);
      expect(program.ended).toBe(false);
      await admin.query('rollback');
      return [await answering, seen];
    }, database.name);
    expect(ready.body).toMatchObject({ code: 'unavailable', checks: { database: 'ok', shutdown: 'stopping' } });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('connection')).toBe('close');
    expect(await program.end()).toEqual({ code: 0, signal: null });
  });

  it('resets no connection that is in use', async () => {
    const program = await start();
    const load = new Load(program.url);
    await eventually(() => load.answered > 500);
    program.signal('SIGTERM');
    await load.refused();
    expect(load.failures).toEqual([]);
    expect(load.statuses).toEqual(new Set([200, 201]));
    expect(await program.end()).toEqual({ code: 0, signal: null });
    const { rows } = await withAdmin((admin) => admin.query<{ count: number }>(`select count(*)::int from tasks where title = 'Under load'`), database.name);
    expect(rows[0]?.count).toBe(load.created);
  });

  it('is not held up by a connection that is idle', async () => {
    const program = await start();
    const agent = new http.Agent({ keepAlive: true });
    await send(agent, program.url, 'GET', '/health');
    program.signal('SIGTERM');
    expect(await program.end(15_000)).toEqual({ code: 0, signal: null });
    agent.destroy();
  });

  it('answers a waiting agent, ends streams with a reason, and does not wait for either', async () => {
    const program = await start();
    const board = await program.request<{ id: string }>('POST', '/api/v1/boards', { token: ADMIN_TOKEN, body: { name: 'Empty' } });
    const { body: agent } = await program.request<{ id: string; token: string }>('POST', '/api/v1/agents', { token: ADMIN_TOKEN, body: { name: 'waiting' } });
    await program.request('PUT', `/api/v1/boards/${board.body.id}/agents/${agent.id}`, { token: ADMIN_TOKEN });
    const claimed = program.request('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: { wait_seconds: 30, board_id: board.body.id } });
    const stream = await fetch(`${program.url}/api/v1/tasks/stream`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect(stream.status).toBe(200);
    program.signal('SIGTERM');
    expect(await claimed).toMatchObject({ status: 200, body: { items: [] } });
    expect(await stream.text()).toMatch(/event: end\ndata: \{"reason":"shutdown"\}\n\n$/);
    expect(await program.end(15_000)).toEqual({ code: 0, signal: null });
  });

  it('takes two signals within a second for one, and a later one for impatience', async () => {
    const program = await start();
    const agent = new http.Agent({ keepAlive: true });
    await send(agent, program.url, 'GET', '/health');
    program.signal('SIGINT');
    program.signal('SIGTERM');
    expect(await program.end(15_000)).toEqual({ code: 0, signal: null });
    expect(program.stderr.match(/draining/g)).toHaveLength(1);
    agent.destroy();

    const other = await start();
    await withAdmin(async (admin) => {
      await admin.query('begin; lock table tasks in exclusive mode');
      const cut = createTask(other, 'Never answered').catch(() => 'cut');
      await eventually(async () => (await admin.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = $1`, [database.name])).rowCount);
      other.signal('SIGTERM');
      await refusesConnections(other);
      other.signal('SIGTERM');
      expect(await other.end(5_000)).toEqual({ code: 1, signal: null });
      expect(await cut).toBe('cut');
      await admin.query('rollback');
    }, database.name);
  });
});

/** Resolves when new connections are refused, a good second into the drain. */
async function refusesConnections(program: Program): Promise<void> {
  await eventually(() => program.request('GET', '/health', { headers: { connection: 'close' } }).then(() => false, () => true));
}

/** One request, without the silent repetition that other clients have for kept connections. */
function send(agent: http.Agent, url: string, method: string, path: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, ...(body ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } : {}) };
    const request = http.request(`${url}${path}`, { agent, method, headers }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    request.once('error', reject);
    request.end(body);
  });
}

/** Clients that keep their connections and keep sending, each until it is refused at connect. */
class Load {
  answered = 0;
  created = 0;
  readonly statuses = new Set<number>();
  readonly failures: string[] = [];
  private readonly clients: Promise<void>[];

  constructor(private readonly url: string) {
    this.clients = Array.from({ length: 16 }, (_, index) => this.run(index));
  }

  async refused(): Promise<void> {
    await Promise.all(this.clients);
  }

  private async run(index: number): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const writes = index % 4 === 0;
    try {
      for (;;) {
        this.statuses.add(await (writes ? send(agent, this.url, 'POST', '/api/v1/tasks', '{"title":"Under load"}') : send(agent, this.url, 'GET', '/health')));
        this.answered += 1;
        if (writes) this.created += 1;
      }
    } catch (error) {
      const { code, syscall } = error as { code?: string; syscall?: string };
      if (code !== 'ECONNREFUSED' || syscall !== 'connect') this.failures.push(String(error));
    } finally {
      agent.destroy();
    }
  }
}
