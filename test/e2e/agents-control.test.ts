import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, ok, type TestAgent } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

type Body = Record<string, unknown>;

describe('control of agents at work', () => {
  let first: Plane;
  let second: Plane;
  const operate = (agent: TestAgent, verb: string, body: Body = {}): Promise<Body> => ok(first.request('POST', `/api/v1/agents/${agent.id}/${verb}`, { token: ADMIN_TOKEN, body }));
  const read = (agent: TestAgent): Promise<Body> => ok(second.request('GET', `/api/v1/agents/${agent.id}`, { token: ADMIN_TOKEN }));
  const beat = (agent: TestAgent, status = 'online'): Promise<ApiResponse<{ agent: Body; commands: Body[] }>> =>
    second.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body: { status } });
  const complete = (agent: TestAgent, id: string, fence: number): Promise<ApiResponse> =>
    second.request('POST', `/api/v1/agent/tasks/${id}/complete`, { token: agent.token, body: { fence, result: 'done' } });
  const facts = (agent: TestAgent): Promise<Body[]> =>
    withAdmin(async (admin) => (await admin.query<{ data: Body }>(`select data from events where name = 'agent.status' and data ->> 'agent_id' = $1 order by tx, seq`, [agent.id])).rows.map(({ data }) => data), first.database.name);

  beforeAll(async () => {
    first = await startPlane();
    second = await startPlane({ database: first.database });
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  it('pauses: no new task, but what it holds it may finish', async () => {
    const agent = await createAgent(first);
    const [held, waiting] = [await createTask(first, { agent_id: agent.id, priority: 'critical' }), await createTask(first, { agent_id: agent.id })];
    const [mine] = await claim(second, agent);
    expect(mine?.task.id).toBe(held.id);
    const paused = await operate(agent, 'pause', { reason: 'Maintenance window' });
    expect(paused).toMatchObject({ status: 'paused', control_state: 'paused', control_reason: 'Maintenance window', is_active: true });
    expect(await claim(second, agent)).toEqual([]);
    expect((await complete(agent, held.id, mine?.lease.fence ?? 0)).body).toMatchObject({ status: 'completed' });
    expect((await beat(agent)).body).toMatchObject({ agent: { status: 'paused' }, commands: [{ command: 'pause', reason: 'Maintenance window' }] });
    expect(await operate(agent, 'resume')).toMatchObject({ status: 'idle', control_state: 'running', control_reason: null });
    expect((await beat(agent)).body.commands).toMatchObject([{ command: 'resume' }]);
    expect((await claim(second, agent)).map(({ task }) => task.id)).toEqual([waiting.id]);
  });

  it('kills: the leases are gone and the token is refused at once, everywhere, until it is resumed', async () => {
    const agent = await createAgent(first);
    const task = await createTask(first, { agent_id: agent.id });
    const [mine] = await claim(second, agent);
    expect((await beat(agent)).body.agent).toMatchObject({ status: 'busy' });
    expect(await operate(agent, 'kill', { reason: 'Runs wild' })).toMatchObject({ status: 'offline', control_state: 'killed', control_reason: 'Runs wild' });
    for (const refused of [await beat(agent), await complete(agent, task.id, mine?.lease.fence ?? 0)]) {
      expect([refused.status, (refused.body as Body)['code']]).toEqual([403, 'agent_killed']);
    }
    expect(await ok(second.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN }))).toMatchObject({ status: 'queued', attempts: 0, result: null });
    const conflict = await first.request('POST', `/api/v1/agents/${agent.id}/pause`, { token: ADMIN_TOKEN, body: {} });
    expect([conflict.status, conflict.body['code']]).toEqual([409, 'conflict']);
    expect(await operate(agent, 'resume')).toMatchObject({ control_state: 'running' });
    const late = await complete(agent, task.id, mine?.lease.fence ?? 0);
    expect([late.status, late.body['code']]).toEqual([409, 'lease_lost']);
    // Only the last decision is told: an agent that was resumed must not stop itself.
    expect((await beat(agent)).body).toMatchObject({ agent: { status: 'idle' }, commands: [{ command: 'resume' }] });
  });

  it('hands out nothing to an agent that is killed while fifty claims of it run', async () => {
    const agent = await createAgent(first, { max_concurrent_tasks: 100 });
    for (let i = 0; i < 20; i += 1) await createTask(first, { agent_id: agent.id });
    const claims = Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 ? first : second).request('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: {} })));
    await operate(agent, 'kill');
    await claims;
    const { rows } = await withAdmin((admin) => admin.query('select count(*)::int as held from tasks where claimed_by = $1', [agent.id]), first.database.name);
    expect(rows).toEqual([{ held: 0 }]);
  });

  it('stops and starts: leases back, token refused, then idle again', async () => {
    const agent = await createAgent(first);
    const task = await createTask(first, { agent_id: agent.id });
    await claim(second, agent);
    expect(await operate(agent, 'stop')).toMatchObject({ status: 'offline', is_active: false });
    expect(await ok(first.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN }))).toMatchObject({ status: 'queued' });
    const refused = await beat(agent);
    expect([refused.status, (refused.body as unknown as Body)['code']]).toEqual([403, 'agent_inactive']);
    expect(await operate(agent, 'start')).toMatchObject({ status: 'idle', is_active: true });
    expect((await claim(second, agent)).map(({ task: { id } }) => id)).toEqual([task.id]);
  });

  it('deactivates by PATCH as it stops', async () => {
    const agent = await createAgent(first);
    const task = await createTask(first, { agent_id: agent.id });
    await claim(second, agent);
    const changed = await first.request('PATCH', `/api/v1/agents/${agent.id}`, { token: ADMIN_TOKEN, body: { is_active: false } });
    expect(changed.body).toMatchObject({ status: 'offline', is_active: false });
    expect(await ok(first.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN }))).toMatchObject({ status: 'queued', attempts: 0 });
    expect((await beat(agent)).status).toBe(403);
  });

  it('takes the tasks of a deleted agent back', async () => {
    const agent = await createAgent(first);
    const task = await createTask(first);
    await eventually(async () => (await claim(second, agent)).some(({ task: { id } }) => id === task.id));
    expect((await first.request('DELETE', `/api/v1/agents/${agent.id}`, { token: ADMIN_TOKEN })).status).toBe(204);
    expect(await ok(first.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN }))).toMatchObject({ status: 'queued' });
    expect((await facts(agent)).at(-1)).toMatchObject({ status: 'offline', is_active: false });
  });

  it('publishes each change of status once', async () => {
    const agent = await createAgent(first);
    await operate(agent, 'start');
    await beat(agent);
    await operate(agent, 'pause');
    await operate(agent, 'kill');
    await operate(agent, 'resume');
    const seen = (await facts(agent)).map(({ previous_status, status, control_state }) => [previous_status, status, control_state]);
    // A sign of life from before may be written after the resume and bring the agent back: that is a fifth.
    expect(seen.slice(0, 4)).toEqual([
      ['offline', 'idle', 'running'],
      ['idle', 'paused', 'paused'],
      ['paused', 'offline', 'killed'],
      ['offline', 'offline', 'running'],
    ]);
  });

  it('answers under the second names, with or without a body', async () => {
    const agent = await createAgent(first);
    for (const [verb, state] of [['pause', 'paused'], ['kill', 'killed'], ['resume', 'running']]) {
      const answer = await first.request('POST', `/api/tools/agents-live/${agent.id}/${verb}`, { token: ADMIN_TOKEN });
      expect([answer.status, answer.body['control_state']]).toEqual([200, state]);
    }
    expect((await first.request('POST', `/api/v1/agents/${agent.id}/kill`, { token: ADMIN_TOKEN, body: { reason: 'x'.repeat(501) } })).status).toBe(400);
  });

  it('keeps one state when fifty operators disagree', async () => {
    const agent = await createAgent(first);
    const verbs = ['pause', 'resume', 'kill'];
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 ? first : second).request('POST', `/api/v1/agents/${agent.id}/${verbs[i % 3]}`, { token: ADMIN_TOKEN, body: {} })));
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    const state = await read(agent);
    expect(state['revision']).toBe(1 + answers.filter(({ status }) => status === 200).length);
    const verdict = await beat(agent);
    expect(verdict.status).toBe(state['control_state'] === 'killed' ? 403 : 200);
  });
});
