import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createBoard, createTask, ok, type TestAgent } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

type Body = Record<string, unknown>;
interface Beat {
  agent: Body;
  commands: Body[];
  next_heartbeat_seconds: number;
}

describe('heartbeats', () => {
  let first: Plane;
  let second: Plane;
  const environment = { HEARTBEAT_SECONDS: '1' };
  const beat = (agent: TestAgent, body: Body = { status: 'online' }, plane = first): Promise<ApiResponse<Beat>> => plane.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body });
  const status = async (agent: TestAgent): Promise<unknown> => (await ok(first.request('GET', `/api/v1/agents/${agent.id}`, { token: ADMIN_TOKEN })))['status'];
  const presence = (agent: TestAgent): Promise<Body> => ok(first.request('GET', `/api/v1/agents/${agent.id}/presence`, { token: ADMIN_TOKEN }));
  const statuses = (agent: TestAgent): Promise<string[]> =>
    withAdmin(async (admin) => {
      const { rows } = await admin.query<{ status: string }>(`select data ->> 'status' as status from events where name = 'agent.status' and data ->> 'agent_id' = $1 order by tx, seq`, [agent.id]);
      return rows.map((row) => row.status);
    }, first.database.name);

  beforeAll(async () => {
    first = await startPlane({ environment });
    second = await startPlane({ environment, database: first.database });
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  it('answer with the agent, what waits for it, and when the next is due', async () => {
    const agent = await createAgent(first);
    const { status: code, body } = await beat(agent, { name: 'Tessa', status: 'online' });
    expect(code).toBe(200);
    expect(body).toMatchObject({ agent: { id: agent.id, status: 'idle' }, commands: [], next_heartbeat_seconds: 1 });
    expect(body.agent).toEqual(await ok(first.request('GET', `/api/v1/agents/${agent.id}`, { token: ADMIN_TOKEN })));
    expect(await presence(agent)).toMatchObject({ agent_id: agent.id, reported_status: 'online', reported_name: 'Tessa', board_id: null });
    expect(body.agent['name']).toBe(agent['name']);
  });

  it.each([[{}], [{ status: 'asleep' }], [{ status: 'online', name: 7 }], [{ status: 'online', board_id: 'here' }], [{ status: 'online', extra: 1 }]])('refuse %j', async (body) => {
    const agent = await createAgent(first);
    expect((await beat(agent, body)).status).toBe(400);
  });

  it('are for agents alone', async () => {
    expect((await first.request('POST', '/api/v1/agent/heartbeat', { token: ADMIN_TOKEN, body: { status: 'online' } })).status).toBe(403);
    expect((await first.request('POST', '/api/v1/agent/heartbeat', { body: { status: 'online' } })).status).toBe(401);
  });

  it('name a board that the agent is on', async () => {
    const agent = await createAgent(first);
    const board = await createBoard(first);
    const absent = await beat(agent, { status: 'online', board_id: '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00' });
    const foreign = await beat(agent, { status: 'online', board_id: board.id });
    expect([foreign.status, (foreign.body as unknown as Body)['detail']]).toEqual([404, (absent.body as unknown as Body)['detail']]);
    expect((await first.request('PUT', `/api/v1/boards/${board.id}/agents/${agent.id}`, { token: ADMIN_TOKEN })).status).toBe(204);
    expect((await beat(agent, { status: 'online', board_id: board.id }, second)).status).toBe(200);
    expect(await presence(agent)).toMatchObject({ board_id: board.id });
    expect((await first.request('DELETE', `/api/v1/boards/${board.id}/agents/${agent.id}`, { token: ADMIN_TOKEN })).status).toBe(204);
    expect((await beat(agent, { status: 'online', board_id: board.id }, second)).status).toBe(404);
  });

  it('show what the agent reports, and busy while it holds a task', async () => {
    const agent = await createAgent(first);
    for (const reported of ['error', 'maintenance', 'busy', 'idle', 'paused', 'offline']) expect((await beat(agent, { status: reported })).body.agent['status']).toBe(reported);
    const task = await createTask(first, { agent_id: agent.id });
    const [mine] = await claim(first, agent);
    expect((await beat(agent)).body.agent['status']).toBe('busy');
    await ok(first.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: mine?.lease.fence } }));
    expect((await beat(agent)).body.agent['status']).toBe('idle');
    expect(await statuses(agent)).toEqual(['error', 'maintenance', 'busy', 'idle', 'paused', 'offline', 'busy', 'idle']);
  });

  it('write the agent only when its status changes', async () => {
    const agent = await createAgent(first);
    const before = (await beat(agent)).body.agent['revision'];
    for (let i = 0; i < 5; i += 1) await beat(agent);
    expect((await beat(agent)).body.agent['revision']).toBe(before);
  });

  it('deliver each command once, though fifty ask at the same moment', async () => {
    const agent = await createAgent(first);
    await ok(first.request('POST', `/api/v1/agents/${agent.id}/rotate-token`, { token: ADMIN_TOKEN, body: { overlap_seconds: 60 } }));
    await ok(first.request('POST', `/api/v1/agents/${agent.id}/pause`, { token: ADMIN_TOKEN, body: { reason: 'Lunch' } }));
    const beats = await Promise.all(Array.from({ length: 50 }, (_, i) => beat(agent, { status: 'online' }, i % 2 ? first : second)));
    const delivered = beats.flatMap(({ body }) => body.commands.map(({ command }) => command));
    expect(delivered.sort()).toEqual(['pause', 'rotate_token']);
  });

  it('that stay away three times make the agent offline, once, and its lease is left to run out', async () => {
    const agent = await createAgent(first);
    const task = await createTask(first, { agent_id: agent.id });
    await claim(first, agent, { lease_seconds: 60 });
    await beat(agent);
    const began = performance.now();
    await eventually(async () => (await status(agent)) === 'offline');
    expect(performance.now() - began).toBeGreaterThan(2_000);
    expect(await ok(first.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN }))).toMatchObject({ status: 'in_progress' });
    expect((await statuses(agent)).filter((seen) => seen === 'offline')).toHaveLength(1);
    expect((await beat(agent)).body.agent['status']).toBe('busy');
    expect((await statuses(agent)).slice(-2)).toEqual(['offline', 'busy']);
  });

  it('are not the only sign of life: any call with the token is one', async () => {
    const agent = await createAgent(first);
    expect(await status(agent)).toBe('offline');
    await eventually(async () => {
      await first.request('GET', '/api/v1/agent/boards', { token: agent.token });
      return (await status(agent)) === 'idle';
    });
    const until = performance.now() + 4_000;
    while (performance.now() < until) {
      await second.request('GET', '/api/v1/agent/boards', { token: agent.token });
      expect(await status(agent)).toBe('idle');
    }
    expect((await presence(agent))['last_heartbeat_at']).toBeNull();
  }, 20_000);

  it('that sign off are believed: other calls do not bring the agent back', async () => {
    const agent = await createAgent(first);
    await beat(agent);
    expect((await beat(agent, { status: 'offline' })).body.agent['status']).toBe('offline');
    const seenAt = (await presence(agent))['last_seen_at'];
    await eventually(async () => {
      await first.request('GET', '/api/v1/agent/boards', { token: agent.token });
      return (await presence(agent))['last_seen_at'] !== seenAt;
    });
    expect(await status(agent)).toBe('offline');
    expect((await beat(agent)).body.agent['status']).toBe('idle');
  });

  it('leave a paused agent paused while it is heard, offline when it is silent, and paused again', async () => {
    const agent = await createAgent(first);
    await beat(agent);
    await ok(first.request('POST', `/api/v1/agents/${agent.id}/pause`, { token: ADMIN_TOKEN, body: {} }));
    expect((await beat(agent)).body.agent['status']).toBe('paused');
    await eventually(async () => (await status(agent)) === 'offline');
    expect((await beat(agent)).body.agent).toMatchObject({ status: 'paused', control_state: 'paused' });
  });
});
