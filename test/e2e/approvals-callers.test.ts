import { claim, createAgent, createBoard, createTask, createTenant, createUser, ok, type SignedIn, type TestAgent, unique } from '../support/factories.js';
import type { ApiResponse } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Body {
  id: string;
  status: string;
  code: string;
  value: string;
  approval_id: string;
  items: Body[];
  [field: string]: unknown;
}

let admin: SignedIn;
let reviewer: SignedIn;
let agent: TestAgent;
beforeAll(() => startTwo());
afterAll(() => stopTwo());
beforeEach(async () => {
  const { id } = await createTenant(plane);
  admin = await createUser(plane, { role: 'admin', tenant: id });
  reviewer = await createUser(plane, { role: 'admin', tenant: id });
  agent = await createAgent(plane, {}, admin.token);
});

const call = (method: string, path: string, body?: unknown, token = admin.token, at = plane): Promise<ApiResponse<Body>> => at.request<Body>(method, `/api/v1${path}`, { token, body });
const rule = (fields: Record<string, unknown>): Promise<Body> => ok(call('POST', '/approval-rules', { name: unique('rule'), ...fields }));
const approve = (id: string): Promise<Body> => ok(call('POST', `/approvals/${id}/approve`, {}, reviewer.token));
const waiting = async (): Promise<Body[]> => (await ok(call('GET', '/approvals'))).items;

describe('revealing a secret', () => {
  it('waits for the approval that a rule asks for, and shows the value once for it', async () => {
    const secret = await ok(call('POST', '/secrets', { name: unique('SECRET').replaceAll('-', '_'), value: 'open sesame' }));
    const reveal = (at = plane, body: object = { reason: 'The web server is down.' }): Promise<ApiResponse<Body>> => call('POST', `/secrets/${secret.id}/reveal`, body, admin.token, at);
    expect((await reveal()).body.value).toBe('open sesame');
    await rule({ match: { kinds: ['secret.reveal'] } });
    const refused = await reveal(second);
    expect([refused.status, refused.body.code, refused.body.value]).toEqual([409, 'approval_awaited', undefined]);
    const id = refused.body.approval_id;
    expect((await reveal()).body.approval_id).toBe(id);
    expect(await waiting()).toMatchObject([{ id, requested_by_id: admin.id, description: 'The web server is down.', action: { kind: 'secret.reveal', arguments: { secret_id: secret.id, version: 1 } }, source: { kind: 'secret', id: secret.id } }]);
    expect((await call('POST', `/approvals/${id}/approve`, {})).body.code).toBe('self_approval');
    await approve(id);
    await ok(call('POST', `/secrets/${secret.id}/rotate`, { value: 'another' }));
    // The version that was approved is what is shown, and nothing else.
    expect((await reveal()).body.code).toBe('approval_awaited');
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => reveal(index % 2 ? plane : second, { reason: 'x', version: 1 })));
    expect(answers.filter(({ status }) => status === 200).map(({ body }) => body.value)).toEqual(['open sesame']);
    const others = new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => `${body.code} ${body.approval_id}`));
    expect(others.size).toBe(1);
    expect([...others][0]).toMatch(/^approval_awaited /);
    // Another person's approval is none of theirs.
    expect((await call('POST', `/secrets/${secret.id}/reveal`, { reason: 'x', version: 1 }, reviewer.token)).body.code).toBe('approval_awaited');
  });

  it('is as before when no rule is about it, also when one was removed while it waited', async () => {
    const secret = await ok(call('POST', '/secrets', { name: unique('SECRET').replaceAll('-', '_'), value: 'open sesame' }));
    const { id } = await rule({ match: { kinds: ['secret.*'] } });
    const reveal = (): Promise<ApiResponse<Body>> => call('POST', `/secrets/${secret.id}/reveal`, { reason: 'x' });
    expect((await reveal()).body.code).toBe('approval_awaited');
    expect((await call('DELETE', `/approval-rules/${id}`)).status).toBe(204);
    expect((await reveal()).body.value).toBe('open sesame');
    await rule({ match: { kinds: ['ssh.*'] } });
    expect((await reveal()).body.value).toBe('open sesame');
  });
});

describe('completing a task', () => {
  async function held(board: Record<string, unknown>): Promise<{ id: string; complete: () => Promise<ApiResponse<Body>>; finish: () => Promise<ApiResponse<Body>> }> {
    const { id: boardId } = await createBoard(plane, board, [agent], admin.token);
    const { id } = await createTask(plane, { board_id: boardId, title: 'Release' }, admin.token);
    const [lease] = await claim(plane, agent, { board_id: boardId });
    return {
      id,
      complete: () => call('POST', `/agent/tasks/${id}/complete`, { fence: lease?.lease.fence }, agent.token),
      finish: () => call('PATCH', `/tasks/${id}`, { status: 'completed' }),
    };
  }

  it('asks for the approval that its board wants, and is done when it was given', async () => {
    const { id, complete, finish } = await held({ require_approval_for_done: true });
    expect((await complete()).body.status).toBe('review');
    const [asked] = await waiting();
    expect(asked).toMatchObject({ task_id: id, agent_id: agent.id, title: 'Complete the task: Release', action: { kind: 'task.complete', arguments: { task_id: id } }, source: { kind: 'task', id } });
    expect((await finish()).body.code).toBe('approval_required');
    await approve(asked?.id ?? '');
    expect((await finish()).body.status).toBe('completed');
    expect(await waiting()).toEqual([]);
  });

  it('waits where a rule of the tenant is about it, and nowhere else', async () => {
    const free = await held({});
    expect((await free.complete()).body.status).toBe('completed');
    await rule({ match: { kinds: ['task.complete'], agent_ids: [agent.id] }, demand: { min_approvals: 1 } });
    const { id, complete, finish } = await held({});
    expect((await complete()).body.status).toBe('review');
    const [asked] = await waiting();
    expect(asked).toMatchObject({ task_id: id, trace: [{ outcome: 'required' }] });
    await approve(asked?.id ?? '');
    expect((await finish()).body.status).toBe('completed');
    const other = await createAgent(plane, {}, admin.token);
    const { id: boardId } = await createBoard(plane, {}, [other], admin.token);
    const task = await createTask(plane, { board_id: boardId }, admin.token);
    const [lease] = await claim(plane, other, { board_id: boardId });
    expect((await call('POST', `/agent/tasks/${task.id}/complete`, { fence: lease?.lease.fence }, other.token)).body.status).toBe('completed');
  });
});
