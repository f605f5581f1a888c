import { TenantDatabase } from '../../src/platform/database/tenant-database.js';
import { TOTAL_USED } from '../../src/safeguards/usage/usage.repository.js';
import { UsageRollup } from '../../src/safeguards/usage/usage-rollup.js';
import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, createTenant, createUser, ok, PASSWORD, type SignedIn, type TestAgent } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';
import { closeSockets, follow, publish } from '../support/socket.js';

let plane: Plane;
let admin: SignedIn;
let client: SignedIn;
let stranger: SignedIn;
beforeAll(async () => {
  // No jobs: the sums are made when a test says so.
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback', PROCESS_ROLE: 'api' } });
  const [ours, theirs] = [await createTenant(plane), await createTenant(plane)];
  admin = await createUser(plane, { role: 'admin', tenant: ours.slug });
  client = await createUser(plane, { role: 'client', tenant: ours.slug });
  stranger = await createUser(plane, { role: 'client', tenant: theirs.slug });
});
afterAll(() => plane.stop());

const see = (what: string, by: SignedIn = client): Promise<Record<string, unknown>> => ok(plane.request('GET', `/api/client/${what}`, { token: by.token }));
const today = (): string => new Date().toISOString().slice(0, 10);
const rollUp = (): Promise<void> => plane.app.get(UsageRollup).round(new AbortController().signal);

/** Claims one task and ends it. */
async function work(agent: TestAgent, how: 'complete' | 'fail', body: object, task: object = {}): Promise<{ id: string; again: () => Promise<ApiResponse> }> {
  const { id } = await createTask(plane, { agent_id: agent.id, max_retries: 0, ...task }, admin.token);
  const [held] = await claim(plane, agent);
  const end = (): Promise<ApiResponse> => plane.request('POST', `/api/v1/agent/tasks/${id}/${how}`, { token: agent.token, body: { fence: held?.lease.fence, ...body } });
  const answer = await end();
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return { id, again: end };
}

describe('what an attempt has cost', () => {
  it('is kept with it, and counted once, to the last decimal, whenever it is added up', async () => {
    const [agent, second] = [await createAgent(plane, { name: 'Dear' }, admin.token), await createAgent(plane, { name: 'Cheap' }, admin.token)];
    const usage = { cost_usd: 0.1, input_tokens: 1000, output_tokens: 20, model: 'claude-sonnet-4-6' };
    const { id, again } = await work(agent, 'complete', { result: 1, usage });
    expect((await again()).status).toBe(200);
    const task = await ok(plane.request<{ attempt_history: object[] }>('GET', `/api/v1/tasks/${id}`, { token: admin.token }));
    expect(task.attempt_history).toMatchObject([{ outcome: 'completed', usage }]);
    await rollUp();
    await work(agent, 'complete', { usage: { cost_usd: 0.2 } });
    await work(second, 'fail', { error: 'no', usage: { cost_usd: 0.000001, output_tokens: 3 } });
    await work(second, 'complete', {});
    const expected = {
      total: { cost_usd: 0.300001, input_tokens: 1000, output_tokens: 23 },
      by_agent: [
        { agent_id: agent.id, agent_name: 'Dear', cost_usd: 0.3, input_tokens: 1000, output_tokens: 20 },
        { agent_id: second.id, agent_name: 'Cheap', cost_usd: 0.000001, input_tokens: 0, output_tokens: 3 },
      ],
    };
    expect(await see('costs')).toMatchObject(expected);
    await rollUp();
    await rollUp();
    expect(await see('costs')).toMatchObject(expected);
    const letters = await ok(plane.request<{ items: { attempts: object[] }[] }>('GET', '/api/v1/dead-letter', { token: admin.token }));
    expect(letters.items[0]?.attempts).toMatchObject([{ outcome: 'failed', usage: { cost_usd: 0.000001, model: null } }]);
    expect(((await see('costs', stranger))['total'] as object)).toEqual({ cost_usd: 0, input_tokens: 0, output_tokens: 0 });
  });

  it('is added up right when 50 come at once while it is added up', async () => {
    const before = ((await see('costs'))['total'] as { cost_usd: number }).cost_usd;
    const agent = await createAgent(plane, { max_concurrent_tasks: 100 }, admin.token);
    for (let index = 0; index < 50; index += 1) await createTask(plane, { agent_id: agent.id }, admin.token);
    const held = await claim(plane, agent, { max: 50 });
    const done = held.map(({ task, lease }, index) =>
      plane.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: lease.fence, ...(index % 2 === 0 ? { usage: { cost_usd: 0.01 } } : {}) } }),
    );
    const answers = await Promise.all([...done, rollUp(), rollUp(), rollUp()]);
    expect(answers.slice(0, 50).map((answer) => answer?.status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(((await see('costs'))['total'] as { cost_usd: number }).cost_usd).toBeCloseTo(before + 0.25, 9);
  });

  it('is taken by the batch and under the rules of a board', async () => {
    const agent = await createAgent(plane, {}, admin.token);
    const board = await ok(plane.request<{ id: string }>('POST', '/api/v1/boards', { token: admin.token, body: { name: 'Costs' } }));
    await ok(plane.request('PUT', `/api/v1/boards/${board.id}/agents/${agent.id}`, { token: admin.token }));
    const { id } = await createTask(plane, { agent_id: agent.id, board_id: board.id }, admin.token);
    const [held] = await claim(plane, agent);
    const items = [{ id, fence: held?.lease.fence, usage: { cost_usd: 5 } }];
    expect(await ok(plane.request('POST', '/api/v1/agent/tasks/complete', { token: agent.token, body: { items } }))).toMatchObject({ items: [{ id, ok: true }] });
    expect((await see('costs'))['by_agent']).toEqual(expect.arrayContaining([expect.objectContaining({ agent_id: agent.id, cost_usd: 5 })]));
  });

  it.each([{ cost_usd: -1 }, { cost_usd: 0.0000001 }, { cost_usd: '1' }, { cost_usd: 1_000_001 }, { cost_usd: null }, { input_tokens: 1.5 }, { output_tokens: -1 }, { model: 'x'.repeat(201) }, { more: 1 }])(
    'is refused as %j',
    async (usage) => {
      const agent = await createAgent(plane, {}, admin.token);
      for (const [how, more] of [['complete', {}], ['fail', { error: 'x' }]] as const) {
        const { status, body } = await plane.request('POST', `/api/v1/agent/tasks/${admin.id}/${how}`, { token: agent.token, body: { fence: 1, usage, ...more } });
        expect([status, body['code']]).toEqual([400, 'invalid_request']);
      }
    },
  );
});

describe('a client', () => {
  it('sees how the work of its tenant goes, and nothing of another', async () => {
    const fresh = await createTenant(plane);
    admin = await createUser(plane, { role: 'admin', tenant: fresh.slug });
    const own = await createUser(plane, { role: 'client', tenant: fresh.slug });
    const agent = await createAgent(plane, { name: 'Worker', role: 'reviewer', system_prompt: 'Secret words' }, admin.token);
    await work(agent, 'complete', { usage: { cost_usd: 1.5 } });
    await work(agent, 'complete', {});
    await work(agent, 'fail', { error: 'no' });
    await createTask(plane, { status: 'inbox' }, admin.token);
    await ok(plane.request('POST', '/api/v1/approvals', { token: admin.token, body: { title: 'Go', action: { kind: 'x', arguments: {} } } }));
    const counts = { total: 4, completed: 2, success_rate: 0.6667, is_minimum: false, by_status: expect.objectContaining({ completed: 2, dead_letter: 1, inbox: 1, queued: 0 }) as unknown };
    expect(await see('dashboard', own)).toEqual({
      // Whether it has been noted by now that the agent was here depends on when that is written down.
      agents: { total: 1, by_status: expect.any(Object) as object },
      tasks: { today: { ...counts, since: `${today()}T00:00:00.000Z` }, last_7_days: { ...counts, since: expect.any(String) as string }, last_30_days: { ...counts, since: expect.any(String) as string } },
      approvals_waiting: 1,
      cost_this_month_usd: 1.5,
      generated_at: expect.any(String) as string,
    });
    // That the agent was here is written down after its answers.
    const items = async (): Promise<{ status: string }[]> => (await see('agents', own))['items'] as { status: string }[];
    await eventually(async () => (await items())[0]?.status === 'idle');
    expect(await items()).toEqual([{ id: agent.id, name: 'Worker', type: 'reviewer', status: 'idle', last_seen_at: expect.any(String) as string }]);
    expect(await see('dashboard', stranger)).toMatchObject({ agents: { total: 0 }, tasks: { last_30_days: { total: 0, success_rate: null } }, approvals_waiting: 0, cost_this_month_usd: 0 });
    expect(await see('agents', stranger)).toMatchObject({ items: [], total: 0 });
  });

  it('sees the costs of the days it asks for', async () => {
    const agent = await createAgent(plane, { name: 'Old' }, admin.token);
    await withAdmin(
      (database) =>
        database.query(
          `insert into usage_daily (tenant_id, day, agent_id, source, model, entries, cost_usd, input_tokens, output_tokens)
           select $1, d::date, $2, 'task', m, 1, 2.5, 10, 1 from unnest(array['2026-03-01', '2026-03-03', '2026-04-01']) d, unnest(array['a', 'b']) m`,
          [admin.tenantId, agent.id],
        ),
      plane.database.name,
    );
    const own = await createUser(plane, { role: 'client', tenant: admin.tenantId });
    const day = (name: string, cost: number): object => ({ day: name, cost_usd: cost, input_tokens: cost * 4, output_tokens: cost === 0 ? 0 : 2 });
    expect(await see('costs?from=2026-03-01&to=2026-03-03T23:00:00Z', own)).toEqual({
      from: '2026-03-01',
      to: '2026-03-03',
      total: { cost_usd: 10, input_tokens: 40, output_tokens: 4 },
      by_day: [day('2026-03-01', 5), day('2026-03-02', 0), day('2026-03-03', 5)],
      by_agent: [{ agent_id: agent.id, agent_name: 'Old', cost_usd: 10, input_tokens: 40, output_tokens: 4 }],
    });
    expect((await see('costs?to=2026-03-30', own))['from']).toBe('2026-03-01');
    for (const query of ['from=2026-03-02&to=2026-03-01', 'from=2025-01-01&to=2026-01-02', 'from=yesterday', 'from=2026-02-30'])
      expect((await plane.request('GET', `/api/client/costs?${query}`, { token: own.token })).status).toBe(400);
  });

  it('comes in with the cookie of a browser, and may do nothing else', async () => {
    const login = await plane.request('POST', '/api/v1/auth/login', { body: { email: client.email, password: PASSWORD, session: 'cookie' }, headers: { 'sec-fetch-site': 'same-origin' } });
    const cookie = login.headers.getSetCookie().map((each) => each.split(';')[0]).join('; ');
    expect((await plane.request('GET', '/api/client/dashboard', { headers: { cookie } })).status).toBe(200);
    expect((await plane.request('GET', '/api/client/dashboard')).status).toBe(401);
    for (const path of ['/agents', '/tasks', '/boards', '/approvals', '/secrets', '/admin/users', '/tenants', '/security/api-keys', '/admin/audit', '/dead-letter', `/tenants/${client.tenantId}/usage`])
      expect([path, (await plane.request('GET', `/api/v1${path}`, { token: client.token })).status]).toEqual([path, 403]);
    expect((await plane.request('POST', '/api/v1/tasks', { token: client.token, body: { title: 'x' } })).status).toBe(403);
    const agent = await createAgent(plane, {}, admin.token);
    expect((await plane.request('GET', '/api/client/dashboard', { token: agent.token })).status).toBe(403);
  });

  it('hears of events only as far as it may see them', async () => {
    const socket = await follow(plane, client.token, '*');
    expect((await socket.ask({ type: 'subscribe', event: 'task.completed' }, 'error')).problem).toMatchObject({ code: 'forbidden', permission: 'task:read' });
    await createTask(plane, {}, admin.token);
    const tell = (name: string, data: object = {}): Promise<void> => publish(plane, name, data, 1, client.tenantId);
    await tell('unheard.of');
    await tell('notification', { user_id: admin.id });
    await tell('notification', { user_id: client.id });
    await tell('system.alert');
    await eventually(() => socket.events.some(({ event }) => event === 'system.alert'));
    expect(socket.events.filter(({ event }) => event !== 'notification.unread').map(({ event, data }) => [event, data])).toEqual([['notification', { user_id: client.id }], ['system.alert', {}]]);
    const rows = await auditRows(plane, `outcome = 'denied' and actor_id = $1 and action = 'access.denied'`, [client.id]);
    expect(rows.at(-1)).toMatchObject({ detail: { operation: 'websocket', permission: 'task:read' } });
    closeSockets();
  });
});

describe('the costs of a tenant', () => {
  it('are found by indexes, however much others have used', async () => {
    await withAdmin(async (database) => {
      const tenants = `(select ('00000000-0000-7000-9000-' || lpad(to_hex(t), 12, '0'))::uuid as id from generate_series(1, 50) t) as others`;
      await database.query(`insert into usage_daily (tenant_id, day, agent_id, source, model, entries, cost_usd, input_tokens, output_tokens)
        select others.id, date '2026-01-01' + d, gen_random_uuid(), 'task', '', 1, 1, 1, 1 from ${tenants}, generate_series(1, 100) d`);
      await database.query(`insert into usage_entries (tenant_id, agent_id, source, cost_usd, input_tokens, output_tokens) select others.id, gen_random_uuid(), 'task', 1, 1, 1 from ${tenants}, generate_series(1, 100)`);
      await database.query('analyze usage_daily, usage_entries');
    }, plane.database.name);
    const values = [client.tenantId, '2026-01-01', '2026-01-31'];
    const plan = await plane.app.get(TenantDatabase).statement<{ 'QUERY PLAN': string }>(client.tenantId, `explain ${TOTAL_USED}`, values);
    const steps = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(steps).toMatch(/usage_daily_pkey[^]*usage_entries_pkey/);
    expect(steps).not.toContain('Seq Scan');
  });
});
