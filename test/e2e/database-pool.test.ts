import { randomUUID } from 'node:crypto';
import { TransactionHost } from '@nestjs-cls/transactional';
import { ClsServiceManager } from 'nestjs-cls';
import type pg from 'pg';
import { TenantDatabase } from '../../src/platform/database/tenant-database.js';
import { claim, createAgent, createBoard, createTask, createTenant, createUser, type SignedIn, someAddress, type TestAgent } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';

/** Who holds one connection and asks for a second waits for ever once all hold one: each request must do with one. */
describe('a pool of two connections', () => {
  let plane: Plane;
  let admin: SignedIn;
  let agent: TestAgent;
  let board: string;
  const nested: string[] = [];
  beforeAll(async () => {
    plane = await startPlane({ environment: { DATABASE_POOL: '2', TRUST_PROXY: 'loopback' } });
    const { slug } = await createTenant(plane);
    admin = await createUser(plane, { role: 'admin', tenant: slug });
    agent = await createAgent(plane, { max_concurrent_tasks: 100 }, admin.token);
    board = (await createBoard(plane, { require_review_before_done: true }, [agent], admin.token)).id;
    watch(plane.app.get(TenantDatabase).pool, plane.app.get(TransactionHost));
  });
  afterAll(() => plane.stop());

  /** Notes who asks for a connection while a transaction of the same request holds one. */
  function watch(pool: pg.Pool, host: TransactionHost): void {
    const connect = pool.connect.bind(pool) as (...given: unknown[]) => unknown;
    pool.connect = ((...given: unknown[]) => {
      if (ClsServiceManager.getClsService().isActive() && host.isTransactionActive()) nested.push(new Error('nested').stack ?? '');
      return connect(...given);
    }) as typeof pool.connect;
  }

  const people = (method: string, path: string, body?: object, headers?: Record<string, string>): Promise<ApiResponse> =>
    plane.request(method, `/api/v1/${path}`, { token: admin.token, body, ...(headers ? { headers } : {}) });
  const work = (method: string, path: string, body?: object, headers?: Record<string, string>): Promise<ApiResponse> =>
    plane.request(method, `/api/v1/agent/${path}`, { token: agent.token, body, ...(headers ? { headers } : {}) });
  const once = (): Record<string, string> => ({ 'idempotency-key': randomUUID() });

  it('serves 100 requests of every kind at once', async () => {
    const whole = await createTask(plane, { status: 'inbox' }, admin.token);
    await Promise.all(Array.from({ length: 10 }, () => createTask(plane, { board_id: board }, admin.token)));
    const held = await claim(plane, agent, { max: 10, board_id: board });
    expect(held).toHaveLength(10);
    const given_up = await Promise.all(Array.from({ length: 10 }, () => createTask(plane, { status: 'inbox' }, admin.token)));
    for (const { id } of given_up) await people('POST', 'dead-letter', { task_id: id, reason: 'x' });
    const part = { title: 'A part', parent_task_id: whole.id, depends_on: [whole.id] };
    const rounds = held.map(({ task, lease }, i) => [
      people('POST', 'tasks', part),
      people('POST', 'tasks', part, once()),
      people('POST', `tasks/${whole.id}/comments`, { body: 'x' }, once()),
      people('PATCH', `tasks/${String(given_up[i]?.id)}`, { action: 'retry' }),
      people('GET', `tasks/${whole.id}`),
      people('POST', 'agents', { name: randomUUID() }, once()),
      people('GET', 'admin/audit'),
      work('POST', 'tasks', { title: 'x', board_id: board }, once()),
      work('POST', `tasks/${task.id}/comments`, { body: 'x' }, once()),
      work('POST', 'heartbeat', { status: 'online' }, once()),
      work('POST', 'tasks/claim', { max: 1 }, once()),
      work('POST', `tasks/${task.id}/complete`, { fence: lease.fence }, once()),
      plane.request('POST', '/api/v1/intake', { body: { full_name: 'A Person', email: `${randomUUID()}@example.com` }, headers: { 'x-forwarded-for': someAddress(), ...once() } }),
      // Denied, which leaves a row in the audit trail.
      plane.request('GET', '/api/v1/admin/users', { token: agent.token }),
    ]);
    const answers = await Promise.all(rounds.flat());
    const failed = answers.filter(({ status }) => status >= 400 && status !== 403).map(({ status, body }) => [status, body]);
    expect(failed).toEqual([]);
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(10);
    expect(nested).toEqual([]);
  });

  it('makes 100 parts of one task at once, half of which wait for it, while their whole is changed', async () => {
    const whole = await createTask(plane, { status: 'inbox' }, admin.token);
    const other = await createTask(plane, { parent_task_id: whole.id, status: 'inbox' }, admin.token);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => [
        people('POST', 'tasks', i % 2 ? { title: 'x', parent_task_id: whole.id, depends_on: [whole.id, other.id] } : { title: 'x', parent_task_id: other.id, depends_on: [whole.id] }, i % 3 ? once() : undefined),
        ...(i % 10 === 0 ? [people('PATCH', `tasks/${whole.id}`, { title: `${i}` }), people('PATCH', `tasks/${other.id}`, { depends_on: [whole.id] })] : []),
      ]).flat(),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
    expect(nested).toEqual([]);
  });
});
