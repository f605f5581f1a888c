import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, createTenant, createUser, type TestAgent, type TestTask } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';

describe('tasks that are meant for an agent', () => {
  let plane: Plane;
  let token: string;
  beforeAll(async () => {
    plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
  });
  afterAll(() => plane.stop());
  /** A tenant of its own for each test: an agent takes whatever is there. */
  beforeEach(async () => {
    token = (await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug })).token;
  });

  const act = (agent: TestAgent, id: string, verb: string, body: object): Promise<ApiResponse> =>
    plane.request('POST', `/api/v1/agent/tasks/${id}/${verb}`, { token: agent.token, body });
  const read = async (id: string): Promise<TestTask> => (await plane.request<TestTask>('GET', `/api/v1/tasks/${id}`, { token })).body;

  it('go back to the inbox, meant for nobody, when the agent they were meant for is deleted', async () => {
    const agent = await createAgent(plane, {}, token);
    const [held, waiting] = [await createTask(plane, { agent_id: agent.id }, token), await createTask(plane, { agent_id: agent.id }, token)];
    await claim(plane, agent);
    expect((await plane.request('DELETE', `/api/v1/agents/${agent.id}`, { token })).status).toBe(204);
    for (const { id } of [held, waiting]) {
      await eventually(async () => (await read(id)).status === 'inbox');
      expect(await read(id)).toMatchObject({ agent_id: null, claimed_by: null });
    }
  });

  it('stay with another agent that holds them when the one they were meant for is deleted, and are then for anyone', async () => {
    const [meant, holder] = [await createAgent(plane, {}, token), await createAgent(plane, {}, token)];
    const { id } = await createTask(plane, {}, token);
    const [held] = await claim(plane, holder);
    await plane.request('PATCH', `/api/v1/tasks/${id}`, { token, body: { agent_id: meant.id } });
    expect((await plane.request('DELETE', `/api/v1/agents/${meant.id}`, { token })).status).toBe(204);
    await eventually(async () => (await read(id))['agent_id'] === null);
    expect(await read(id)).toMatchObject({ status: 'in_progress', claimed_by: holder.id });
    expect((await act(holder, id, 'fail', { fence: held?.lease.fence, error: 'no' })).body).toMatchObject({ status: 'queued', agent_id: null });
    expect(await claim(plane, holder, { wait_seconds: 20 })).toMatchObject([{ task: { id } }]);
  });

  it('tell in their events for whom a task is, and who holds it or held it until then', async () => {
    const [meant, holder] = [await createAgent(plane, {}, token), await createAgent(plane, {}, token)];
    const forAny = await createTask(plane, {}, token);
    const [first] = await claim(plane, holder);
    await act(holder, forAny.id, 'fail', { fence: first?.lease.fence, error: 'no' });
    const [again] = await claim(plane, holder, { wait_seconds: 20 });
    await act(holder, forAny.id, 'complete', { fence: again?.lease.fence });
    const forOne = await createTask(plane, { agent_id: meant.id }, token);
    await claim(plane, meant);
    await plane.request('POST', `/api/v1/tasks/${forOne.id}/cancel`, { token, body: {} });
    const facts = await plane.app.get(SystemDatabase).query<{ about: string }>(
      `select name || ' ' || coalesce(data->>'agent_id', 'any') || ' ' || coalesce(data->>'holder_id', 'none') as about from events
       where data->>'task_id' = any($1) order by tx, seq`,
      [[forAny.id, forOne.id]],
    );
    expect(facts.map(({ about }) => about)).toEqual([
      'task.created any none',
      `task.updated any ${holder.id}`,
      `task.failed any ${holder.id}`,
      `task.updated any ${holder.id}`,
      `task.completed any ${holder.id}`,
      `task.created ${meant.id} none`,
      `task.updated ${meant.id} ${meant.id}`,
      `task.updated ${meant.id} ${meant.id}`,
    ]);
  });
});
