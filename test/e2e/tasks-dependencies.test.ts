import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, createTenant, createUser, type TestTask } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

let plane: Plane;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
});
afterAll(() => plane.stop());

describe('tasks that wait for tasks', () => {
  it('wait for the tasks they depend on, and are let go by the last', async () => {
    const { token } = await createUser(plane, { tenant: (await createTenant(plane)).slug });
    const agent = await createAgent(plane, {}, token);
    const [first, second] = [await createTask(plane, { agent_id: agent.id }, token), await createTask(plane, { agent_id: agent.id }, token)];
    const dependent = await createTask(plane, { agent_id: agent.id, depends_on: [first.id, second.id] }, token);
    expect(dependent).toMatchObject({ status: 'blocked', waiting_for: 2 });
    for (const { task, lease } of await claim(plane, agent, { max: 10 })) {
      expect(task.id).not.toBe(dependent.id);
      await plane.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: lease.fence } });
    }
    const [let_go] = await claim(plane, agent, { wait_seconds: 10 });
    expect(let_go?.task).toMatchObject({ id: dependent.id, waiting_for: 0 });
  });

  it('wait for others when told so, and no longer for one that was cancelled', async () => {
    const { token } = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    const agent = await createAgent(plane, {}, token);
    const patch = (id: string, body: object): Promise<ApiResponse> => plane.request('PATCH', `/api/v1/tasks/${id}`, { token, body });
    const given_up = await createTask(plane, { status: 'inbox' }, token);
    const waiting = await createTask(plane, { depends_on: [given_up.id] }, token);
    await plane.request('POST', `/api/v1/tasks/${given_up.id}/cancel`, { token, body: {} });
    const hopeless = await plane.request('POST', '/api/v1/tasks', { token, body: { title: 'x', depends_on: [given_up.id] } });
    expect([hopeless.status, hopeless.body['errors']]).toMatchObject([400, [{ field: 'depends_on.0', code: 'cancelled' }]]);
    const other = await createTask(plane, { status: 'inbox' }, token);
    expect((await patch(waiting.id, { depends_on: [other.id] })).body).toMatchObject({ status: 'blocked', waiting_for: 1 });
    expect((await patch(waiting.id, { depends_on: [] })).body).toMatchObject({ status: 'queued', waiting_for: 0 });
    expect((await plane.request('GET', `/api/v1/tasks/${waiting.id}`, { token })).body).toMatchObject({ depends_on: [] });
    const [held] = await claim(plane, agent);
    expect(held?.task.id).toBe(waiting.id);
    expect((await patch(waiting.id, { depends_on: [other.id] })).body['code']).toBe('invalid_transition');
    const trail = await plane.request<{ items: { before: object; after: object }[] }>('GET', `/api/v1/admin/audit?action=task.update&resource_id=${waiting.id}`, { token });
    expect(trail.body.items).toMatchObject([{ before: { depends_on: [other.id] }, after: { depends_on: [] } }, { before: { depends_on: [given_up.id] }, after: { depends_on: [other.id] } }]);
  });

  it('never wait for themselves, by however many steps, also when many changes come at once', async () => {
    const { token } = await createUser(plane, { tenant: (await createTenant(plane)).slug });
    const patch = (id: string, depends_on: string[]): Promise<ApiResponse> => plane.request('PATCH', `/api/v1/tasks/${id}`, { token, body: { depends_on } });
    const tasks: TestTask[] = [];
    for (let i = 0; i < 10; i += 1) tasks.push(await createTask(plane, i > 0 ? { depends_on: [tasks[i - 1]?.id] } : {}, token));
    const [first, last] = [tasks[0] as TestTask, tasks[9] as TestTask];
    for (const id of [first.id, last.id]) expect((await patch(first.id, [id])).body).toMatchObject({ status: 422, code: 'dependency_cycle' });
    const ring = await Promise.all(Array.from({ length: 10 }, () => createTask(plane, { status: 'inbox' }, token)));
    const answers = await Promise.all(ring.map(({ id }, i) => patch(id, [(ring[(i + 1) % 10] as TestTask).id])));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(9);
    expect(answers.find(({ status }) => status !== 200)?.body['code']).toBe('dependency_cycle');
  });

  it('say what they wait for, and that it was given up', async () => {
    const first = await createTask(plane, { status: 'inbox' });
    const second = await createTask(plane, { status: 'inbox' });
    const waiting = await createTask(plane, { depends_on: [first.id, second.id] });
    const blockedBy = async (): Promise<unknown> => (await plane.request('GET', `/api/v1/tasks/${waiting.id}`, { token: ADMIN_TOKEN })).body['blocked_by'];
    expect(await blockedBy()).toEqual([{ id: first.id, status: 'inbox' }, { id: second.id, status: 'inbox' }]);
    await plane.request('POST', '/api/v1/dead-letter', { token: ADMIN_TOKEN, body: { task_id: first.id, reason: 'by hand' } });
    expect(await blockedBy()).toEqual([{ id: first.id, status: 'dead_letter' }, { id: second.id, status: 'inbox' }]);
    expect((await plane.request('GET', `/api/v1/tasks/${first.id}`, { token: ADMIN_TOKEN })).body['blocked_by']).toEqual([]);
  });

  it('are made as parts that wait for their whole, many at once', async () => {
    const whole = await createTask(plane, { status: 'inbox' });
    const part = { title: 'A part', parent_task_id: whole.id, depends_on: [whole.id] };
    const made = await Promise.all(Array.from({ length: 50 }, () => plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: part })));
    expect(new Set(made.map(({ status }) => status))).toEqual(new Set([201]));
  });
});

describe('tasks with a deadline', () => {
  it('past their deadline become dead letters, and what was held is lost', async () => {
    const { token } = await createUser(plane, { tenant: (await createTenant(plane)).slug });
    const agent = await createAgent(plane, {}, token);
    const task = await createTask(plane, { agent_id: agent.id, deadline: new Date(Date.now() + 400).toISOString() }, token);
    const [claimed] = await claim(plane, agent);
    const dead = await eventually(async () => {
      const { body } = await plane.request('GET', `/api/v1/tasks/${task.id}`, { token });
      return body['status'] === 'dead_letter' ? body : undefined;
    });
    expect(dead).toMatchObject({ deadline_exceeded: true, error: expect.stringContaining('deadline_exceeded') });
    const late = await plane.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: claimed?.lease.fence } });
    expect(late.body['code']).toBe('lease_lost');
  });

  it('that were given up for their deadline start again without it, and take a new one', async () => {
    const { token } = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    const agent = await createAgent(plane, {}, token);
    const patch = (id: string, body: object): Promise<ApiResponse> => plane.request('PATCH', `/api/v1/tasks/${id}`, { token, body });
    const isDead = (id: string): Promise<boolean> =>
      eventually(async () => (await plane.request('GET', `/api/v1/tasks/${id}`, { token })).body['status'] === 'dead_letter');
    const soon = (): string => new Date(Date.now() + 300).toISOString();
    // One whose deadline ended it, and one that was given up before and whose deadline passed while it lay there.
    const late = await createTask(plane, { deadline: soon() }, token);
    const buried = await createTask(plane, { deadline: soon() }, token);
    await plane.request('POST', '/api/v1/dead-letter', { token, body: { task_id: buried.id, reason: 'by hand' } });
    await isDead(late.id);
    await eventually(() => Date.parse(String(buried['deadline'])) < Date.now());
    for (const { id } of [late, buried]) {
      const ignored = await patch(id, { action: 'retry', title: 'New' });
      expect([ignored.status, ignored.body['errors']]).toMatchObject([400, [{ field: 'action', code: 'isOnlyField' }]]);
      expect((await patch(id, { action: 'retry' })).body).toMatchObject({ status: 'queued', deadline: null, deadline_exceeded: false });
    }
    const trail = await plane.request<{ items: object[] }>('GET', `/api/v1/admin/audit?action=dead_letter.retry&resource_id=${buried.id}`, { token });
    expect(trail.body.items).toMatchObject([{ before: { status: 'dead_letter', deadline: buried['deadline'] }, after: { status: 'queued', deadline: null } }]);
    expect((await claim(plane, agent, { max: 10 })).map(({ task }) => task.id).sort()).toEqual([late.id, buried.id].sort());
    expect((await patch(late.id, { deadline: soon() })).body).toMatchObject({ deadline_exceeded: false });
    await isDead(late.id);
    // One that has not passed stays.
    const later = await createTask(plane, { deadline: '2099-01-01T00:00:00.000Z' }, token);
    await plane.request('POST', '/api/v1/dead-letter', { token, body: { task_id: later.id, reason: 'by hand' } });
    expect((await patch(later.id, { action: 'retry' })).body).toMatchObject({ deadline: '2099-01-01T00:00:00.000Z' });
  });
});
