import { randomUUID } from 'node:crypto';
import { claim, createAgent, createBoard, createTask, createTenant, createUser, type SignedIn, type TestAgent } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';

describe('the rules of a board', () => {
  let plane: Plane;
  let admin: SignedIn;
  let reviewer: SignedIn;
  let lead: TestAgent;
  let worker: TestAgent;
  beforeAll(async () => {
    plane = await startPlane();
    const { slug } = await createTenant(plane);
    admin = await createUser(plane, { role: 'admin', tenant: slug });
    reviewer = await createUser(plane, { role: 'user', tenant: slug });
    [lead, worker] = [await createAgent(plane, {}, admin.token), await createAgent(plane, {}, admin.token)];
  });
  afterAll(() => plane.stop());

  /** A board with a rule, and a task on it that the worker holds. */
  async function held(rules: object): Promise<{ board: string; id: string; complete: () => Promise<ApiResponse> }> {
    const board = await createBoard(plane, rules as Record<string, unknown>, [lead, worker], admin.token);
    const { id } = await createTask(plane, { board_id: board.id }, admin.token);
    const [claimed] = await claim(plane, worker, { board_id: board.id });
    const fence = claimed?.lease.fence;
    return { board: board.id, id, complete: () => plane.request('POST', `/api/v1/agent/tasks/${id}/complete`, { token: worker.token, body: { fence, result: 'done' } }) };
  }
  const set = (id: string, status: string, token = reviewer.token): Promise<ApiResponse> => plane.request('PATCH', `/api/v1/tasks/${id}`, { token, body: { status } });
  const agentSet = (id: string, status: string, agent: TestAgent): Promise<ApiResponse> => plane.request('PATCH', `/api/v1/agent/tasks/${id}`, { token: agent.token, body: { status } });
  const requestApproval = async (id: string): Promise<string> => {
    const made = await plane.request('POST', '/api/v1/approvals', { token: admin.token, body: { title: 'May it?', action: { kind: 'finish', arguments: {} }, task_id: id } });
    expect(made.status).toBe(201);
    return String(made.body['id']);
  };

  it('without any, completion completes', async () => {
    const { complete } = await held({});
    expect((await complete()).body).toMatchObject({ status: 'completed' });
  });

  it('review before done: completion ends in review, and a person finishes it', async () => {
    const { id, complete } = await held({ require_review_before_done: true });
    expect((await complete()).body).toMatchObject({ status: 'review', result: 'done', claimed_by: null });
    expect((await complete()).body).toMatchObject({ status: 'review' });
    expect((await set(id, 'completed')).body).toMatchObject({ status: 'completed' });
  });

  it('review before done: a person may send it back', async () => {
    const { id, complete } = await held({ require_review_before_done: true });
    await complete();
    expect((await set(id, 'queued')).body).toMatchObject({ status: 'queued' });
    expect((await claim(plane, worker)).map(({ task }) => task.id)).toEqual([id]);
  });

  it('comment for review: nothing enters review without one', async () => {
    const { id, complete } = await held({ require_review_before_done: true, comment_required_for_review: true });
    const refused = await complete();
    expect([refused.status, refused.body['code']]).toEqual([409, 'comment_required']);
    const comment = await plane.request('POST', `/api/v1/agent/tasks/${id}/comments`, { token: worker.token, body: { body: 'Because.' } });
    expect(comment.body).toMatchObject({ author_kind: 'agent', author_id: worker.id });
    expect((await complete()).body).toMatchObject({ status: 'review' });
  });

  it('only the lead changes status: another agent ends in review, the lead finishes', async () => {
    const { id, board, complete } = await held({ only_lead_can_change_status: true });
    await plane.request('PATCH', `/api/v1/boards/${board}`, { token: admin.token, body: { lead_agent_id: lead.id } });
    expect((await complete()).body).toMatchObject({ status: 'review' });
    const refused = await agentSet(id, 'completed', worker);
    expect([refused.status, refused.body['code']]).toEqual([403, 'lead_only']);
    expect((await agentSet(id, 'completed', lead)).body).toMatchObject({ status: 'completed' });
  });

  it('approval for done: nothing is completed before an approval is given', async () => {
    const { id, complete } = await held({ require_approval_for_done: true });
    expect((await complete()).body).toMatchObject({ status: 'review' });
    const refused = await set(id, 'completed');
    expect([refused.status, refused.body['code']]).toEqual([409, 'approval_required']);
    const approval = await requestApproval(id);
    expect((await set(id, 'completed')).body['code']).toBe('approval_required');
    expect((await plane.request('POST', `/api/v1/approvals/${approval}/approve`, { token: reviewer.token, body: {} })).status).toBe(200);
    expect((await set(id, 'completed')).body).toMatchObject({ status: 'completed' });
  });

  it('block while an approval is pending: no status changes until it is decided', async () => {
    const { id, complete } = await held({ block_status_changes_with_pending_approval: true });
    const approval = await requestApproval(id);
    expect((await complete()).body['code']).toBe('approval_pending');
    expect((await plane.request('POST', `/api/v1/tasks/${id}/cancel`, { token: admin.token, body: {} })).body['code']).toBe('approval_pending');
    await plane.request('POST', `/api/v1/approvals/${approval}/reject`, { token: reviewer.token, body: {} });
    expect((await complete()).body).toMatchObject({ status: 'completed' });
  });

  it('show a board to its agents alone', async () => {
    const { board, id } = await held({});
    const stranger = await createAgent(plane, {}, admin.token);
    const list = await plane.request<{ items: { id: string }[] }>('GET', `/api/v1/agent/boards/${board}/tasks?status=running`, { token: worker.token });
    expect(list.body.items.map((task) => task.id)).toEqual([id]);
    for (const path of [`boards/${board}/tasks`, `tasks/${id}`, `tasks/${id}/comments`]) {
      expect([path, (await plane.request('GET', `/api/v1/agent/${path}`, { token: stranger.token })).status]).toEqual([path, 404]);
    }
    const make = (agent: TestAgent, body: object): Promise<ApiResponse> => plane.request('POST', '/api/v1/agent/tasks', { token: agent.token, body: { title: 'x', ...body } });
    expect((await make(stranger, { board_id: board })).status).toBe(404);
    const own = (await make(stranger, {})).body['id'];
    for (const task of [id, randomUUID()]) {
      expect((await make(stranger, { depends_on: [own, task] })).body['errors']).toMatchObject([{ field: 'depends_on.1', code: 'not_found', message: 'is no task' }]);
      expect((await make(stranger, { parent_task_id: task })).body['errors']).toMatchObject([{ field: 'parent_task_id', code: 'not_found', message: 'is no task' }]);
    }
    expect((await make(stranger, { parent_task_id: own, depends_on: [own] })).status).toBe(201);
    expect((await make(worker, { parent_task_id: id, depends_on: [id] })).status).toBe(201);
    expect((await plane.request('POST', '/api/v1/agent/tasks', { token: worker.token, body: { title: 'x', board_id: board, status: 'inbox' } })).body).toMatchObject({ status: 'inbox', created_by: `agent:${worker.id}` });
  });
});
