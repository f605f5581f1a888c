import { CallerWatch } from '../../src/platform/auth/caller-watch.js';
import { SecretRotation } from '../../src/safeguards/secrets/secret-rotation.js';
import { DeadLetterPacer } from '../../src/work/tasks/dead-letter-pacer.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

const PLAN_LIMITS = JSON.stringify({ tiny: { agents: 2, boards: 1, requests_per_minute: 500 }, still: { requests_per_minute: 3 } });

let database: TestDatabase;
let plane: Plane;
let other: Plane;
beforeAll(async () => {
  database = await createDatabase();
  const environment = { TRUST_PROXY: 'loopback', PLAN_LIMITS };
  plane = await startPlane({ database, environment });
  other = await startPlane({ database, environment: { ...environment, PROCESS_ROLE: 'api' } });
});
afterAll(async () => {
  await other.stop();
  await plane.stop();
  await database.drop();
});

/** A tenant with an administrator, and what its operator allows it. */
async function tenantWith(change: object): Promise<SignedIn> {
  const { id, slug } = await createTenant(plane);
  const admin = await createUser(plane, { role: 'admin', tenant: slug });
  await limit(id, change);
  return { ...admin, tenantId: id };
}

const limit = (id: string, change: object): Promise<unknown> => ok(plane.request('PATCH', `/api/v1/tenants/${id}`, { token: ADMIN_TOKEN, body: change }));

const make = (on: Plane, path: string, token: string, body: object): Promise<ApiResponse> => on.request('POST', `/api/v1${path}`, { token, body });

async function usage(id: string, token: string = ADMIN_TOKEN): Promise<Record<string, { limit: number | null; used: number | null; left: number | null }>> {
  const body = await ok(plane.request<{ usage: { name: string; limit: number | null; used: number | null; left: number | null }[] }>('GET', `/api/v1/tenants/${id}/usage`, { token }));
  return Object.fromEntries(body.usage.map(({ name, ...rest }) => [name, rest]));
}

const statuses = (answers: readonly ApiResponse[]): Record<string, number> =>
  Object.fromEntries(Object.entries(Object.groupBy(answers, ({ status }) => String(status))).map(([status, all]) => [status, all?.length ?? 0]));

describe('the limits of a tenant', () => {
  it('are those of its plan and its own, and are shown with their use to the operator and its administrators alone', async () => {
    const { tenantId, token } = await tenantWith({ plan: 'tiny', limits: { boards: null, secrets: 5 } });
    expect((await make(plane, '/agents', token, { name: 'a' })).status).toBe(201);
    expect(await usage(tenantId, token)).toEqual({
      agents: { limit: 2, used: 1, left: 1 },
      boards: { limit: null, used: 0, left: null },
      users: { limit: null, used: 1, left: null },
      webhooks: { limit: null, used: 0, left: null },
      triggers: { limit: null, used: 0, left: null },
      workflows: { limit: null, used: 0, left: null },
      open_workflow_runs: { limit: null, used: 0, left: null },
      waiting_approvals: { limit: null, used: 0, left: null },
      open_tasks: { limit: null, used: 0, left: null },
      api_keys: { limit: null, used: 0, left: null },
      secrets: { limit: 5, used: 0, left: 5 },
      requests_per_minute: { limit: 500, used: null, left: null },
    });
    expect(await usage(tenantId)).toEqual(await usage(tenantId, token));
    const { token: stranger } = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    expect((await plane.request('GET', `/api/v1/tenants/${tenantId}/usage`, { token: stranger })).status).toBe(404);
    const { token: person } = await createUser(plane, { tenant: tenantId });
    expect((await plane.request('GET', `/api/v1/tenants/${tenantId}/usage`, { token: person })).status).toBe(403);
    expect((await plane.request('PATCH', `/api/v1/tenants/${tenantId}`, { token, body: { limits: {} } })).status).toBe(403);
    for (const limits of [{ agents: -1 }, { agents: 1.5 }, { agents: '3' }, { cars: 3 }, null, [1]])
      expect((await plane.request('PATCH', `/api/v1/tenants/${tenantId}`, { token: ADMIN_TOKEN, body: { limits } })).status).toBe(400);
  });

  it.each([
    ['agents', (name: string) => ['/agents', { name }]],
    ['boards', (name: string) => ['/boards', { name }]],
    ['open_tasks', (title: string) => ['/tasks', { title }]],
    ['secrets', (name: string) => ['/secrets', { name: name.toUpperCase().replaceAll('-', '_'), value: 'v' }]],
    ['webhooks', (name: string) => ['/webhooks', { name, url: 'https://hooks.example/', events: ['task.*'] }]],
    ['workflows', (name: string) => ['/workflows', { name }]],
    ['waiting_approvals', (title: string) => ['/approvals', { title, action: { kind: 'deploy', arguments: {} } }]],
    ['api_keys', (name: string) => ['/security/api-keys', { name, scopes: ['task:read'] }]],
  ] as const)('hold for %s exactly when 50 are made at once in two processes', async (thing, request) => {
    const { tenantId, token } = await tenantWith({ limits: { [thing]: 7 } });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const [path, body] = request(unique('thing')) as [string, object];
        return make(index % 2 === 0 ? plane : other, path, token, body);
      }),
    );
    expect(statuses(answers)).toEqual({ 201: 7, 409: 43 });
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'plan_limit_reached', limit: 7, current: 7, limit_name: thing });
    expect((await usage(tenantId))[thing]).toEqual({ limit: 7, used: 7, left: 0 });
  });

  it('hold for users, whether they are made or let in again', async () => {
    const { tenantId, token } = await tenantWith({ limits: { users: 2 } });
    const { id } = await createUser(plane, { tenant: tenantId });
    const third = { email: `${unique('third')}@example.com`, password: 'seven-otters-hum-at-noon', full_name: 'Third' };
    expect((await make(other, '/admin/users', token, third)).body).toMatchObject({ code: 'plan_limit_reached', limit: 2, current: 2 });
    await ok(plane.request('PATCH', `/api/v1/admin/users/${id}`, { token, body: { is_active: false } }));
    expect((await make(other, '/admin/users', token, third)).status).toBe(201);
    expect((await plane.request('PATCH', `/api/v1/admin/users/${id}`, { token, body: { is_active: true } })).body).toMatchObject({ code: 'plan_limit_reached' });
  });

  it('are lowered at once in every process, and take nothing away', async () => {
    const { tenantId, token } = await tenantWith({});
    const { id } = await createTask(plane, {}, token);
    for (const title of ['b', 'c']) await createTask(other, { title }, token);
    await limit(tenantId, { limits: { open_tasks: 2 } });
    for (const each of [plane, other]) expect((await make(each, '/tasks', token, { title: 'd' })).body).toMatchObject({ code: 'plan_limit_reached', limit: 2, current: 3 });
    expect((await usage(tenantId))['open_tasks']).toEqual({ limit: 2, used: 3, left: 0 });
    for (const each of [id, ((await plane.request('GET', '/api/v1/tasks', { token })).body['items'] as { id: string }[])[0]?.id])
      await ok(plane.request('POST', `/api/v1/tasks/${String(each)}/cancel`, { token, body: {} }));
    expect((await make(other, '/tasks', token, { title: 'd' })).status).toBe(201);
    await limit(tenantId, { limits: {} });
    expect((await make(other, '/tasks', token, { title: 'e' })).status).toBe(201);
  });

  it('hold for the requests of all its callers together', async () => {
    const { token, tenantId } = await tenantWith({ plan: 'still' });
    const { token: person } = await createUser(plane, { tenant: tenantId });
    const seen = [];
    for (const by of [token, person, token, person]) seen.push(await plane.request('GET', '/api/v1/auth/me', { token: by }));
    expect(seen.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(seen[0]?.headers.get('ratelimit-limit')).toBe('3');
    expect(seen[3]?.body).toMatchObject({ code: 'rate_limited', limit: 3 });
  });
});

describe('a suspended tenant', () => {
  it('ends waits with 403 in every process at once, and has its jobs and leases back when it is resumed', async () => {
    const { tenantId, token } = await tenantWith({});
    const [waiting, holder] = [await createAgent(plane, {}, token), await createAgent(plane, {}, token)];
    await createTask(plane, { max_retries: 0, agent_id: holder.id }, token);
    const [held] = await claim(plane, holder);
    const secret = await ok(make(plane, '/secrets', token, { name: unique('S').toUpperCase().replaceAll('-', '_'), value: 'first' }));
    const given = await createTask(plane, { status: 'inbox', agent_id: waiting.id }, token);
    const letter = await ok(make(plane, '/dead-letter', token, { task_id: given.id, reason: 'no' }));
    const approval = await ok(make(plane, '/approvals', token, { title: 'Go', action: { kind: 'x', arguments: {} } }));

    const began = performance.now();
    const claiming = other.request('POST', '/api/v1/agent/tasks/claim', { token: waiting.token, body: { wait_seconds: 30 } });
    const deciding = other.request('GET', `/api/v1/approvals/${String(approval['id'])}?wait_seconds=30`, { token });
    const { watched } = other.app.get<{ watched: ReadonlySet<unknown> }>(CallerWatch);
    await eventually(() => watched.size === 2);
    await ok(plane.request('POST', `/api/v1/tenants/${tenantId}/suspend`, { token: ADMIN_TOKEN, body: {} }));
    for (const answer of await Promise.all([claiming, deciding])) expect(answer.body).toMatchObject({ status: 403, code: 'tenant_suspended' });
    expect(performance.now() - began).toBeLessThan(15_000);

    // Its time comes while it is suspended: the rotation waits, the lease does not.
    await withAdmin(async (admin) => {
      await admin.query(`update secrets set rotate_every_days = 1, next_rotation_at = now() - interval '1 minute' where id = $1`, [secret['id']]);
      await admin.query(`update dead_letters set retry_requested_at = now() where id = $1`, [letter['id']]);
      await admin.query(`update tasks set lease_expires_at = now() where id = $1`, [held?.task.id]);
    }, database.name);
    const pacer = plane.app.get<{ takeTurn(): Promise<void> }>(DeadLetterPacer);
    const rotate = (): Promise<void> => plane.app.get(SecretRotation).round(new AbortController().signal);
    const buried = async (): Promise<string | undefined> =>
      withAdmin(async (admin) => (await admin.query<{ status: string }>('select status from tasks where id = $1', [given.id])).rows[0]?.status, database.name);
    const version = async (): Promise<number> =>
      withAdmin(async (admin) => (await admin.query<{ version: number }>('select version from secrets where id = $1', [secret['id']])).rows[0]?.version ?? 0, database.name);
    await rotate();
    await pacer.takeTurn();
    expect(await version()).toBe(1);
    expect(await buried()).toBe('dead_letter');
    const state = await eventually(() =>
      withAdmin(async (admin) => (await admin.query<{ status: string; attempts: number }>(`select status, attempts from tasks where id = $1 and claimed_by is null`, [held?.task.id])).rows[0], database.name),
    );
    expect(state).toEqual({ status: 'queued', attempts: 0 });

    await ok(plane.request('POST', `/api/v1/tenants/${tenantId}/resume`, { token: ADMIN_TOKEN }));
    await rotate();
    expect(await version()).toBe(2);
    await eventually(async () => (await buried()) === 'queued');
    expect((await claim(other, holder)).map(({ task }) => task.id)).toEqual([held?.task.id]);
  });
});
