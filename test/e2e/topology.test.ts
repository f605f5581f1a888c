import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Balancer } from '../support/balancer.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { ok, PASSWORD, type TestClaim, type TestTask, unique } from '../support/factories.js';
import { ADMIN_TOKEN, request } from '../support/requests.js';
import { type Environment, Launcher, type Program } from '../support/processes.js';

/** Two API processes behind one port, a worker and one PostgreSQL: what docker-compose.yml describes, without Docker. */
describe('several processes on one database', () => {
  const launcher = new Launcher();
  let database: TestDatabase;
  let environment: Environment;
  let first: Program;
  let second: Program;
  let worker: Program;
  let balancer: Balancer;

  beforeAll(async () => {
    database = await createDatabase();
    environment = {
      DATABASE_URL: database.url,
      DATABASE_POOL: '8',
      WHEELHOUSE_DATA: await launcher.dataFolder(),
      ADMIN_TOKEN,
      JWT_SECRET: 'shared-by-all-processes-0123456789abcdef',
    };
    [first, second, worker] = await Promise.all(
      (['api', 'api', 'worker'] as const).map((role) => launcher.start({ ...environment, PROCESS_ROLE: role }).ready()),
    ) as [Program, Program, Program];
    balancer = await Balancer.start([first.url, second.url]);
  }, 90_000);

  afterAll(async () => {
    await balancer.stop();
    await launcher.clear();
    await database.drop();
  });

  const admin = <T = Record<string, unknown>>(url: string, method: string, path: string, body?: unknown) => ok(request<T>(url, method, path, { token: ADMIN_TOKEN, ...(body === undefined ? {} : { body }) }));
  const newAgent = (fields: Record<string, unknown> = {}) => admin<{ id: string; token: string }>(balancer.url, 'POST', '/api/v1/agents', { name: unique('agent'), ...fields });
  const newTask = (url: string, fields: Record<string, unknown> = {}) => admin<TestTask>(url, 'POST', '/api/v1/tasks', { title: 'A task', ...fields });
  const claim = async (url: string, token: string, body: Record<string, unknown> = {}) => (await ok(request<{ items: TestClaim[] }>(url, 'POST', '/api/v1/agent/tasks/claim', { token, body }))).items;

  it('are all ready, and the worker answers its probes alone', async () => {
    for (const { url } of [first, second, worker, balancer]) expect((await request(url, 'GET', '/readyz')).status).toBe(200);
    expect((await worker.request('GET', '/metrics')).status).toBe(200);
    for (const path of ['/api/v1/tasks', '/docs', '/openapi.json', '/']) {
      const answer = await worker.request('GET', path, { token: ADMIN_TOKEN });
      expect([path, answer.status, answer.body['code']]).toEqual([path, 404, 'not_found']);
    }
  });

  it('share the work: every task is done once, whichever process is asked', async () => {
    const agents = await Promise.all(Array.from({ length: 4 }, () => newAgent({ max_concurrent_tasks: 20 })));
    const tasks = await Promise.all(Array.from({ length: 60 }, (_, index) => newTask(balancer.url, { title: `Shared ${index}` })));
    const done: string[] = [];
    await Promise.all(agents.map(async ({ token }) => {
      for (;;) {
        const items = await claim(balancer.url, token, { max: 5 });
        if (items.length === 0) return;
        await Promise.all(items.map(async ({ task, lease }) => {
          await ok(request(balancer.url, 'POST', `/api/v1/agent/tasks/${task.id}/complete`, { token, body: { fence: lease.fence, result: { by: token.slice(-4) } } }));
          done.push(task.id);
        }));
      }
    }));
    expect(done.sort()).toEqual(tasks.map(({ id }) => id).sort());
    expect(balancer.given.every((count) => count > 0)).toBe(true);
  });

  it('wake an agent that waits at one for a task that is made at the other', async () => {
    const agent = await newAgent();
    const waiting = claim(second.url, agent.token, { wait_seconds: 20 });
    const task = await newTask(first.url, { agent_id: agent.id });
    expect((await waiting).map((item) => item.task.id)).toEqual([task.id]);
  });

  it('take back a lease that ran out, whoever gave it', async () => {
    const agent = await newAgent();
    const task = await newTask(first.url, { agent_id: agent.id });
    const [claimed] = await claim(first.url, agent.token, { lease_seconds: 5 });
    const now = await eventually(async () => {
      const read = await admin<TestTask>(second.url, 'GET', `/api/v1/tasks/${task.id}`);
      return read.status === 'queued' ? read : undefined;
    });
    expect(now).toMatchObject({ retry_count: 1, fence: claimed?.lease.fence });
    const late = await request<{ code: string }>(second.url, 'POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: claimed?.lease.fence } });
    expect([late.status, late.body.code]).toEqual([409, 'lease_lost']);
  });

  it('honour nothing that the other has revoked, from the next request on', async () => {
    for (const [revoking, asked] of [[first, second], [second, first]] as const) {
      const agent = await newAgent();
      const person = await signIn(revoking.url);
      const key = await ok(request<{ id: string; key: string }>(revoking.url, 'POST', '/api/v1/security/api-keys', { token: person.access_token, body: { name: unique('key'), scopes: ['task:read'] } }));
      const asKey = () => asked.request('GET', '/api/v1/tasks', { headers: { 'x-api-key': key.key } });
      const asAgent = () => asked.request('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: {} });
      const asPerson = () => asked.request('GET', '/api/v1/auth/me', { token: person.access_token });
      // Known to the other process's cache before.
      expect((await Promise.all([asKey(), asAgent(), asPerson()])).map(({ status }) => status)).toEqual([200, 200, 200]);
      await ok(request(revoking.url, 'DELETE', `/api/v1/security/api-keys/${key.id}`, { token: person.access_token }));
      expect((await asKey()).status).toBe(401);
      await admin(revoking.url, 'POST', `/api/v1/agents/${agent.id}/rotate-token`, { overlap_seconds: 0 });
      expect((await asAgent()).status).toBe(401);
      await ok(request(revoking.url, 'POST', '/api/v1/auth/logout', { token: person.access_token, body: { refresh_token: person.refresh_token } }));
      expect((await asPerson()).status).toBe(401);
    }
  });

  it('tell the clients of one what happened at the other', async () => {
    const socket = new WebSocket(`${second.url.replace('http', 'ws')}/ws`);
    const seen: { type: string; event?: string; data?: { task_id?: string; id?: string } }[] = [];
    socket.on('message', (text: Buffer) => seen.push(JSON.parse(text.toString()) as (typeof seen)[number]));
    await once(socket, 'open');
    const say = async (message: object, answer: string): Promise<void> => {
      socket.send(JSON.stringify(message));
      await eventually(() => seen.some(({ type }) => type === answer));
    };
    await say({ type: 'auth', token: ADMIN_TOKEN }, 'authenticated');
    await say({ type: 'subscribe', event: 'task.*' }, 'subscribed');
    const task = await newTask(first.url);
    await eventually(() => seen.some(({ event, data }) => event === 'task.created' && JSON.stringify(data).includes(task.id)));
    socket.close();
    await once(socket, 'close');
  });

  it('lose nothing that was acknowledged when one is killed', async () => {
    const acknowledged: string[] = [];
    let stopped = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!stopped) {
        // A break says nothing: the task may have been made. Only what was answered is held against the database.
        const answer = await request<TestTask>(balancer.url, 'POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'Under fire' } }).catch(() => undefined);
        if (answer?.status === 201) acknowledged.push(answer.body.id);
      }
    });
    await eventually(() => acknowledged.length > 100);
    await first.kill();
    const before = acknowledged.length;
    await eventually(() => acknowledged.length > before + 100);
    stopped = true;
    await Promise.all(clients);
    const { rows } = await withAdmin((client) => client.query<{ id: string }>(`select id from tasks where title = 'Under fire'`), database.name);
    const kept = new Set(rows.map(({ id }) => id));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
    expect((await request(balancer.url, 'GET', '/readyz')).status).toBe(200);
  });

  it('revoke also while one is dead, and count it in again when it is back', async () => {
    const agent = await newAgent();
    expect((await second.request('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: {} })).status).toBe(200);
    await admin(second.url, 'POST', `/api/v1/agents/${agent.id}/rotate-token`, { overlap_seconds: 0 });
    expect((await second.request('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: {} })).status).toBe(401);
    const third = await launcher.start({ ...environment, PROCESS_ROLE: 'api' }).ready();
    const again = await newAgent();
    expect((await third.request('POST', '/api/v1/agent/tasks/claim', { token: again.token, body: {} })).status).toBe(200);
    await admin(second.url, 'POST', `/api/v1/agents/${again.id}/rotate-token`, { overlap_seconds: 0 });
    expect((await third.request('POST', '/api/v1/agent/tasks/claim', { token: again.token, body: {} })).status).toBe(401);
  }, 60_000);

  async function signIn(url: string): Promise<{ access_token: string; refresh_token: string }> {
    const email = `${unique('person')}@example.com`;
    await admin(url, 'POST', '/api/v1/admin/users', { email, password: PASSWORD, full_name: 'A Person', role: 'user' });
    return ok(request<{ access_token: string; refresh_token: string }>(url, 'POST', '/api/v1/auth/login', { body: { email, password: PASSWORD } }));
  }
});
