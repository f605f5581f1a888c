import { withAdmin } from '../support/databases.js';
import { createAgent, createBoard, createTask, createTenant, createUser, ok, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

type Body = Record<string, unknown>;
const ABSENT = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
const RULES = ['require_approval_for_done', 'require_review_before_done', 'comment_required_for_review', 'block_status_changes_with_pending_approval', 'only_lead_can_change_status'];

describe('boards', () => {
  let plane: Plane;
  const call = <T = Body>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, token = ADMIN_TOKEN): Promise<ApiResponse<T>> =>
    plane.request<T>(method, `/api/v1/boards${path}`, { token, headers, ...(body === undefined ? {} : { body }) });
  const members = async (id: string): Promise<unknown[]> => (await ok(call<{ items: Body[] }>('GET', `/${id}/agents`))).items.map((agent) => agent['id']);

  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  it('are made with their rules, read, changed and listed', async () => {
    const lead = await createAgent(plane);
    const rules = Object.fromEntries(RULES.map((rule) => [rule, true]));
    const made = await call('POST', '', { name: 'Website', slug: 'website', description: 'The public one', max_agents: 2, lead_agent_id: lead.id, ...rules });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'Website', slug: 'website', max_agents: 2, lead_agent_id: lead.id, ...rules });
    const id = String(made.body['id']);
    expect(await members(id)).toEqual([lead.id]);
    const read = await call('GET', `/${id}`);
    expect(read.body).toEqual(made.body);
    expect(read.headers.get('etag')).toBe(`"${id}.${String(made.body['revision'])}"`);
    const changed = await call('PATCH', `/${id}`, { require_review_before_done: false, description: null, max_agents: null, lead_agent_id: null });
    expect(changed.body).toMatchObject({ require_review_before_done: false, description: null, max_agents: null, lead_agent_id: null, only_lead_can_change_status: true });
    const list = await call<{ items: Body[]; total: number }>('GET', '?search=WEBS');
    expect(list.body).toMatchObject({ total: 1, items: [{ id }] });
  });

  it('have no rules unless they are given', async () => {
    const made = await call('POST', '', { name: unique('Plain') });
    expect(made.body).toMatchObject({ ...Object.fromEntries(RULES.map((rule) => [rule, false])), max_agents: null, lead_agent_id: null, description: null });
  });

  it.each([
    [{}, 'name'],
    [{ name: '' }, 'name'],
    [{ name: 'x', slug: 'A' }, 'slug'],
    [{ name: 'x', max_agents: 0 }, 'max_agents'],
    [{ name: 'x', require_review_before_done: 'yes' }, 'require_review_before_done'],
    [{ name: 'x', only_lead_can_change_status: null }, 'only_lead_can_change_status'],
    [{ name: 'x', lead_agent_id: 'me' }, 'lead_agent_id'],
    [{ name: 'x', lead_agent_id: ABSENT }, 'lead_agent_id'],
    [{ name: 'x', color: 'red' }, 'color'],
    [{ name: 'x', revision: 7 }, 'revision'],
    [{ name: 'x', deleted_at: null }, 'deleted_at'],
  ])('refuse %j, naming the field', async (body, field) => {
    const answer = await call<{ errors: { field: string }[] }>('POST', '', body);
    expect([answer.status, answer.body.errors[0]?.field]).toEqual([400, field]);
  });

  it('keep slugs unique, among fifty at once too', async () => {
    const slug = unique('race');
    const same = await Promise.all(Array.from({ length: 50 }, () => call('POST', '', { name: 'Racer', slug })));
    expect(same.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(49).fill(409)]);
    const name = unique('twin');
    expect([(await call('POST', '', { name })).body['slug'], (await call('POST', '', { name })).body['slug']]).toEqual([name, `${name}-2`]);
    const other = await createBoard(plane);
    const taken = await call('PATCH', `/${other.id}`, { slug });
    expect([taken.status, taken.body['code']]).toEqual([409, 'slug_taken']);
  });

  it('honour If-Match', async () => {
    const { id } = await createBoard(plane);
    const etag = (await call('GET', `/${id}`)).headers.get('etag') ?? '';
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => call('PATCH', `/${id}`, { description: `by ${i}` }, { 'if-match': etag })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(49);
    expect((await call('DELETE', `/${id}`, undefined, { 'if-match': etag })).status).toBe(412);
  });

  it('take agents on and let them go', async () => {
    const [one, two] = [await createAgent(plane), await createAgent(plane)];
    const { id } = await createBoard(plane, { lead_agent_id: one.id });
    for (let i = 0; i < 2; i += 1) expect((await call('PUT', `/${id}/agents/${two.id}`)).status).toBe(204);
    expect(await members(id)).toEqual([two.id, one.id]);
    expect((await call('DELETE', `/${id}/agents/${one.id}`)).status).toBe(204);
    expect((await call('DELETE', `/${id}/agents/${one.id}`)).status).toBe(404);
    expect((await call('GET', `/${id}`)).body).toMatchObject({ lead_agent_id: null });
    expect((await call('PUT', `/${id}/agents/${ABSENT}`)).status).toBe(404);
    expect((await call('PUT', `/${ABSENT}/agents/${two.id}`)).status).toBe(404);
  });

  it('take no more than max_agents, though fifty are put on at once', async () => {
    const { id } = await createBoard(plane, { max_agents: 3 });
    const agents = await Promise.all(Array.from({ length: 50 }, () => createAgent(plane)));
    const answers = await Promise.all(agents.map((agent) => call('PUT', `/${id}/agents/${agent.id}`)));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(3);
    expect(answers.filter(({ status, body }) => status === 409 && body['code'] === 'board_full' && body['limit'] === 3 && body['current'] === 3)).toHaveLength(47);
    expect(await members(id)).toHaveLength(3);
    const lower = await call('PATCH', `/${id}`, { max_agents: 2 });
    expect([lower.status, lower.body['code']]).toEqual([409, 'board_full']);
    const outsider = agents.find((_, index) => answers[index]?.status === 409);
    expect((await call('PATCH', `/${id}`, { lead_agent_id: outsider?.id })).body['code']).toBe('board_full');
    expect((await call('PATCH', `/${id}`, { lead_agent_id: outsider?.id, max_agents: 4 })).status).toBe(200);
  });

  it('lose an agent that is deleted, also while it is being put on', async () => {
    const agent = await createAgent(plane);
    const boards = [await createBoard(plane, { lead_agent_id: agent.id }), await createBoard(plane)];
    await Promise.all([call('PUT', `/${boards[1]?.id}/agents/${agent.id}`), plane.request('DELETE', `/api/v1/agents/${agent.id}`, { token: ADMIN_TOKEN })]);
    for (const board of boards) {
      expect(await members(board.id)).toEqual([]);
      expect((await call('GET', `/${board.id}`)).body).toMatchObject({ lead_agent_id: null });
    }
    const { rows } = await withAdmin((admin) => admin.query('select 1 from board_agents where agent_id = $1', [agent.id]), plane.database.name);
    expect(rows).toEqual([]);
  });

  it('are deleted only when no task on them is open', async () => {
    const agent = await createAgent(plane);
    const board = await createBoard(plane, { slug: unique('busy') }, [agent]);
    const task = await createTask(plane, { board_id: board.id });
    const refused = await call('DELETE', `/${board.id}`);
    expect([refused.status, refused.body['code'], refused.body['current']]).toEqual([409, 'conflict', 1]);
    await ok(plane.request('POST', `/api/v1/tasks/${task.id}/cancel`, { token: ADMIN_TOKEN, body: {} }));
    expect((await call('DELETE', `/${board.id}`)).status).toBe(204);
    expect((await call('GET', `/${board.id}`)).status).toBe(404);
    expect(await ok(plane.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN }))).toMatchObject({ board_id: board.id });
    expect((await plane.request<{ total: number }>('GET', '/api/v1/agent/boards', { token: agent.token })).body.total).toBe(0);
    expect((await plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'x', board_id: board.id } })).status).toBe(400);
  });

  it('get no task while they are being deleted', async () => {
    const board = await createBoard(plane);
    const [gone, ...tasks] = await Promise.all([
      call('DELETE', `/${board.id}`),
      ...Array.from({ length: 20 }, () => plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'x', board_id: board.id } })),
    ]);
    const made = tasks.filter(({ status }) => status === 201).length;
    expect(gone.status === 204 ? made : 1).toBe(gone.status === 204 ? 0 : 1);
    expect(gone.status === 409 ? made > 0 : true).toBe(true);
  });

  it('show an agent those that it is on', async () => {
    const agent = await createAgent(plane);
    const [mine] = [await createBoard(plane, {}, [agent]), await createBoard(plane)];
    const list = await ok(plane.request<{ items: Body[]; total: number }>('GET', '/api/v1/agent/boards', { token: agent.token }));
    expect(list).toMatchObject({ total: 1, items: [{ id: mine.id }] });
    expect((await plane.request('GET', '/api/v1/agent/boards', { token: ADMIN_TOKEN })).status).toBe(403);
  });

  it('of another tenant look like absent ones, on every path', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const own = await createAgent(plane, {}, admin.token);
    const foreign = await createBoard(plane);
    const paths: [string, string, unknown?][] = [
      ['GET', ''],
      ['PATCH', '', { name: 'Mine now' }],
      ['DELETE', ''],
      ['GET', '/agents'],
      ['PUT', `/agents/${own.id}`],
      ['DELETE', `/agents/${own.id}`],
      ['GET', '/memory'],
      ['POST', '/memory', { content: 'x' }],
      ['GET', '/memory/stream'],
    ];
    for (const [method, tail, body] of paths) {
      const ask = (id: string): Promise<ApiResponse> => call(method, `/${id}${tail}`, body, { 'x-request-id': 'same' }, admin.token);
      const [theirs, none] = [await ask(foreign.id), await ask(ABSENT)];
      expect([method, tail, theirs.status]).toEqual([method, tail, 404]);
      expect(theirs.body).toEqual(none.body);
    }
    const foreignAgent = await createAgent(plane);
    const ownBoard = await createBoard(plane, {}, [], admin.token);
    expect((await call('PUT', `/${ownBoard.id}/agents/${foreignAgent.id}`, undefined, {}, admin.token)).status).toBe(404);
    expect((await call('PATCH', `/${ownBoard.id}`, { lead_agent_id: foreignAgent.id }, {}, admin.token)).status).toBe(400);
    expect((await call<{ total: number }>('GET', '', undefined, {}, admin.token)).body.total).toBe(1);
  });

  it('are closed to nobody, portal clients and agents', async () => {
    const { id } = await createBoard(plane);
    const [client, agent] = [await createUser(plane, { role: 'client' }), await createAgent(plane)];
    for (const path of ['', `/${id}`, `/${id}/agents`, `/${id}/memory`, `/${id}/memory/stream`]) {
      expect((await plane.request('GET', `/api/v1/boards${path}`)).status).toBe(401);
      for (const token of [client.token, agent.token]) expect((await call('GET', path, undefined, {}, token)).status).toBe(403);
    }
  });

  it('leave one audit row for each change', async () => {
    const agent = await createAgent(plane);
    const { id } = await createBoard(plane);
    await call('PUT', `/${id}/agents/${agent.id}`);
    await call('PUT', `/${id}/agents/${agent.id}`);
    await call('PATCH', `/${id}`, { description: 'New' });
    await call('POST', `/${id}/memory`, { content: 'Remember' });
    await call('DELETE', `/${id}/agents/${agent.id}`);
    await call('DELETE', `/${id}`);
    const { rows } = await withAdmin((admin) => admin.query<{ action: string }>('select action from audit_log where resource_id = $1 order by id', [id]), plane.database.name);
    expect(rows.map(({ action }) => action)).toEqual(['board.create', 'board.agent.add', 'board.update', 'board.memory.add', 'board.agent.remove', 'board.delete']);
  });
});
