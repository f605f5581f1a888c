import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { canonicalHash } from '../../src/core/canonical-json.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createBoard, createTask, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

interface Approval {
  id: string;
  status: string;
  action_hash: string;
  revision: number;
  [field: string]: unknown;
}

const ABSENT = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
const ACTION = { kind: 'ssh.execute', arguments: { command: 'systemctl restart web', force: false } };

let plane: Plane;
let requester: SignedIn;
let reviewer: SignedIn;
beforeAll(async () => {
  plane = await startPlane();
  requester = await createUser(plane);
  reviewer = await createUser(plane);
});
afterAll(() => plane.stop());

type Answer = ApiResponse<Approval & { code: string; current: unknown; items: Approval[]; total: number; errors: { field: string }[] }>;
const call = (method: string, path: string, token: string | undefined, body?: unknown, headers?: Record<string, string>): Promise<Answer> => plane.request(method, `/api/v1${path}`, { ...(token ? { token } : {}), body, headers });
const ask = (fields: Record<string, unknown> = {}, token = requester.token): Promise<Approval> => ok(call('POST', '/approvals', token, { title: 'Restart the web server', action: ACTION, ...fields }));
const approve = (id: string, token = reviewer.token, body: unknown = {}): Promise<Answer> => call('POST', `/approvals/${id}/approve`, token, body);
const idsOf = async (query: string, token = reviewer.token): Promise<string[]> => (await ok(call('GET', `/approvals?limit=100&${query}`, token))).items.map(({ id }) => id);
const eventsOf = (approvalId: string): Promise<{ name: string; data: Record<string, unknown> }[]> =>
  plane.app.get(SystemDatabase).query(`select name, data from events where data ->> 'approval_id' = $1 order by tx, seq`, [approvalId]);

describe('requesting', () => {
  it('stores exactly the action and its hash', async () => {
    const made = await call('POST', '/approvals', requester.token, { title: 'x', description: 'why', action: ACTION, confidence: 0.5, risk: 'high' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ title: 'x', description: 'why', action: ACTION, status: 'pending', confidence: 0.5, risk: 'high', requested_by_kind: 'user', requested_by_id: requester.id, decided_by_id: null, revision: 1 });
    expect(made.body.action_hash).toBe(canonicalHash(ACTION));
    expect(made.body['requester']).toBeUndefined();
    const same = await ask({ action: { arguments: { force: false, command: 'systemctl restart web' }, kind: 'ssh.execute' } });
    expect(same.action_hash).toBe(made.body.action_hash);
    expect((await ask({ action: { ...ACTION, arguments: { ...ACTION.arguments, force: true } } })).action_hash).not.toBe(made.body.action_hash);
    expect(await eventsOf(made.body.id)).toMatchObject([{ name: 'approval.requested', data: { title: 'x', kind: 'ssh.execute', risk: 'high' } }]);
  });

  it('keeps every member of the arguments, or refuses what it cannot keep', async () => {
    const action = { kind: 'k', arguments: { prototype: 1, '': [{ to_string: null, value: [] }], nested: { deep: [[[{ a: 1e-21, b: 'ä\u2028' }]]] } } };
    const { body, status } = await call('POST', '/approvals', requester.token, { title: 'x', action });
    expect([status, body['action'], body.action_hash]).toEqual([201, action, canonicalHash(action)]);
    const read = await call('GET', `/approvals/${body.id}`, requester.token);
    expect(canonicalHash(read.body['action'])).toBe(body.action_hash);
    for (const member of ['__proto__', 'constructor', 'toString', 'valueOf']) {
      const refused = await call('POST', '/approvals', requester.token, `{"title":"x","action":{"kind":"k","arguments":{"a":[{"${member}":{"admin":true}}]}}}`);
      expect([refused.status, refused.body.errors[0]?.field]).toEqual([400, `action.arguments.a.0.${member}`]);
    }
    const deep = await call('POST', '/approvals', requester.token, `{"title":"x","action":{"kind":"k","arguments":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}}`);
    expect(deep.status).toBe(400);
  });

  it.each([
    ['title', { title: '' }],
    ['title', { title: 'x'.repeat(501) }],
    ['action', { action: undefined }],
    ['action.kind', { action: { kind: 'a b', arguments: {} } }],
    ['action.arguments', { action: { kind: 'a', arguments: [1] } }],
    // What is read as 9007199254740992 could have been another number.
    ['action', { action: { kind: 'a', arguments: { account: [9007199254740992] } } }],
    ['action.arguments', { action: { kind: 'a' } }],
    ['action.arguments', { action: { kind: 'a', arguments: { x: 'y'.repeat(70_000) } } }],
    ['action.more', { action: { kind: 'a', arguments: {}, more: 1 } }],
    ['confidence', { confidence: 1.5 }],
    ['risk', { risk: 'awful' }],
    ['cost_usd', { cost_usd: -1 }],
    ['cost_usd', { cost_usd: 7e-323 }],
    ['min_approvals', { min_approvals: 0 }],
    ['approvers.users', { approvers: { users: ['x'] } }],
    ['approvers', { approvers: { users: [ABSENT] } }],
    ['expires_at', { expires_at: 'soon' }],
    ['expires_at', { expires_at: '2020-01-01T00:00:00Z' }],
    ['task_id', { task_id: 'nope' }],
    ['task_id', { task_id: ABSENT }],
    ['agent_id', { agent_id: ABSENT }],
    ['action.arguments.text', { action: { kind: 'a', arguments: { text: '\ud800' } } }],
    ['status', { status: 'approved' }],
    ['requester', { requester: 'user:x' }],
  ])('refuses a wrong %s', async (field, fields) => {
    const answer = await call('POST', '/approvals', requester.token, { title: 'x', action: ACTION, ...fields });
    expect([answer.status, answer.body.errors[0]?.field]).toEqual([400, field]);
  });

  it('refuses another tenant\'s task and agent as absent ones', async () => {
    const tenant = await createTenant(plane);
    const theirs = await createUser(plane, { role: 'admin', tenant: tenant.id });
    const [task, agent] = [await createTask(plane, {}, theirs.token), await createAgent(plane, {}, theirs.token)];
    for (const [field, id] of [['task_id', task.id], ['agent_id', agent.id]] as const) {
      const [foreign, absent] = [await call('POST', '/approvals', requester.token, { title: 'x', action: ACTION, [field]: id }), await call('POST', '/approvals', requester.token, { title: 'x', action: ACTION, [field]: ABSENT })];
      expect([foreign.status, foreign.body['detail']]).toEqual([400, absent.body['detail']]);
    }
  });

  it('is for users and agents, not for portal clients', async () => {
    const client = await createUser(plane, { role: 'client' });
    expect((await call('POST', '/approvals', client.token, { title: 'x', action: ACTION })).status).toBe(403);
    expect((await call('GET', '/approvals', client.token)).status).toBe(403);
    expect((await call('POST', '/approvals', undefined, { title: 'x', action: ACTION })).status).toBe(401);
    const agent = await createAgent(plane);
    expect((await call('POST', '/approvals', agent.token, { title: 'x', action: ACTION })).status).toBe(403);
  });
});

describe('an agent', () => {
  it('asks for itself, waits for the decision, and sees nobody else\'s', async () => {
    const [agent, other] = [await createAgent(plane), await createAgent(plane)];
    const task = await createTask(plane);
    const asked = await ok(call('POST', '/agent/approvals', agent.token, { title: 'x', action: ACTION, task_id: task.id }));
    expect(asked).toMatchObject({ agent_id: agent.id, task_id: task.id, requested_by_kind: 'agent', requested_by_id: agent.id });
    expect((await call('POST', '/agent/approvals', agent.token, { title: 'x', action: ACTION, agent_id: other.id })).status).toBe(400);
    expect((await call('GET', `/agent/approvals/${asked.id}`, other.token)).status).toBe(404);
    const waiting = call('GET', `/agent/approvals/${asked.id}?wait_seconds=20`, agent.token);
    await ok(approve(asked.id));
    expect((await waiting).body).toMatchObject({ status: 'approved', decided_by_id: reviewer.id });
    expect(await idsOf(`status=all&agent_id=${agent.id}`)).toEqual([asked.id]);
    expect(await idsOf(`status=all&task_id=${task.id}`)).toEqual([asked.id]);
  });
});

describe('deciding', () => {
  it('approves and rejects, under each of the documented ways', async () => {
    const [one, two, three, four] = [await ask(), await ask(), await ask(), await ask()];
    expect((await approve(one.id, reviewer.token, { note: 'fine' })).body).toMatchObject({ status: 'approved', reviewer_note: 'fine', decided_by_kind: 'user', decided_by_id: reviewer.id, revision: 2 });
    expect((await call('POST', `/approvals/${two.id}/reject`, reviewer.token)).body).toMatchObject({ status: 'rejected', reviewer_note: null });
    expect((await call('PATCH', `/approvals/${three.id}`, reviewer.token, { status: 'rejected', reviewer_note: 'no' })).body).toMatchObject({ status: 'rejected', reviewer_note: 'no' });
    const aliased = await plane.request('PATCH', `/api/tools/approvals/${four.id}`, { token: reviewer.token, body: { status: 'approved' } });
    expect(aliased.body).toMatchObject({ status: 'approved' });
    expect(await eventsOf(two.id)).toMatchObject([{ name: 'approval.requested' }, { name: 'approval.decided', data: { status: 'rejected', decided_by: reviewer.id } }]);
    for (const body of [{ status: 'pending' }, { status: 'expired' }, {}, { status: 'approved', note: 'x' }]) expect((await call('PATCH', `/approvals/${three.id}`, reviewer.token, body)).status).toBe(400);
  });

  it('happens once', async () => {
    const { id } = await ask();
    await ok(approve(id));
    const again = await call('POST', `/approvals/${id}/reject`, reviewer.token, {});
    expect([again.status, again.body.code, again.body.current]).toEqual([409, 'approval_decided', 'approved']);
  });

  it('is won by exactly one of 50 at once', async () => {
    const { id } = await ask();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => call('POST', `/approvals/${id}/${index % 2 ? 'approve' : 'reject'}`, reviewer.token, { note: String(index) })));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 409 && body.code === 'approval_decided')).toHaveLength(49);
    expect((await call('GET', `/approvals/${id}`, reviewer.token)).body).toMatchObject({ status: won[0]?.body.status, reviewer_note: won[0]?.body['reviewer_note'], revision: 2 });
    expect(await eventsOf(id)).toHaveLength(2);
    const rows = await plane.app.get(SystemDatabase).query(`select 1 from audit_log where resource_id = $1 and action <> 'approval.request'`, [id]);
    expect(rows).toHaveLength(1);
  });

  it('is not for the requester, not even through a key of theirs', async () => {
    const { id } = await ask();
    const own = await approve(id, requester.token);
    expect([own.status, own.body.code]).toEqual([403, 'self_approval']);
    const key = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: requester.token, body: { name: 'k', scopes: ['approval:*'] } }));
    expect((await approve(id, key.key)).body.code).toBe('self_approval');
    const byKey = await ask({}, key.key);
    expect((await approve(byKey.id, requester.token)).body.code).toBe('self_approval');
    expect((await approve(byKey.id)).body.status).toBe('approved');
    const byBootstrap = await ask({}, ADMIN_TOKEN);
    expect((await approve(byBootstrap.id, ADMIN_TOKEN)).body.code).toBe('self_approval');
    expect((await call('GET', `/approvals/${id}`, requester.token)).body.status).toBe('pending');
  });

  it('honours If-Match and an Idempotency-Key', async () => {
    const { id } = await ask();
    const stale = await call('PATCH', `/approvals/${id}`, reviewer.token, { status: 'approved' }, { 'if-match': `"${id}.7"` });
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed']);
    const headers = { 'idempotency-key': unique('key') };
    const [first, second] = [await call('POST', `/approvals/${id}/approve`, reviewer.token, {}, headers), await call('POST', `/approvals/${id}/approve`, reviewer.token, {}, headers)];
    expect([first.status, second.status, second.headers.get('idempotency-replayed')]).toEqual([200, 200, 'true']);
    expect(second.body).toEqual(first.body);
  });

  it('knows no other tenant', async () => {
    const { id } = await ask();
    const tenant = await createTenant(plane);
    const foreigner = await createUser(plane, { role: 'admin', tenant: tenant.id });
    for (const [method, path, body] of [['GET', '', undefined], ['GET', '?wait_seconds=5', undefined], ['POST', '/approve', {}], ['POST', '/reject', {}], ['PATCH', '', { status: 'approved' }]] as const) {
      const [foreign, absent] = [await call(method, `/approvals/${id}${path}`, foreigner.token, body), await call(method, `/approvals/${ABSENT}${path}`, foreigner.token, body)];
      expect([foreign.status, { ...foreign.body, request_id: '' }]).toEqual([404, { ...absent.body, request_id: '' }]);
    }
    expect(await idsOf('status=all', foreigner.token)).toEqual([]);
    expect((await call('GET', `/approvals/${id}`, reviewer.token)).body.status).toBe('pending');
  });
});

describe('running out', () => {
  it('ends an approval by itself, for all who wait', async () => {
    const { id } = await ask({ expires_at: new Date(Date.now() + 1_200).toISOString() });
    const waiting = await call('GET', `/approvals/${id}?wait_seconds=20`, requester.token);
    expect(waiting.body).toMatchObject({ status: 'expired', decided_by_id: null });
    expect(await eventually(async () => (await eventsOf(id))[1])).toMatchObject({ name: 'approval.decided', data: { status: 'expired' } });
    expect(await idsOf('status=expired')).toContain(id);
    expect(await idsOf('')).not.toContain(id);
  });

  it('acts at the moment of the decision too, where nobody sweeps', async () => {
    const api = await startPlane({ database: plane.database, environment: { PROCESS_ROLE: 'api' } });
    try {
      const { id } = await ask({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
      await plane.app.get(SystemDatabase).query(`update approvals set expires_at = now() - interval '1 second' where id = $1`, [id]);
      const late = await api.request('POST', `/api/v1/approvals/${id}/approve`, { token: reviewer.token, body: {} });
      expect([late.status, late.body['code']]).toEqual([409, 'approval_decided']);
      expect((await call('GET', `/approvals/${id}`, reviewer.token)).body.status).toBe('expired');
    } finally {
      await api.stop();
    }
  });
});

describe('waiting for a decision', () => {
  it('ends with the decision, made in another process', async () => {
    const second = await startPlane({ database: plane.database });
    try {
      const { id } = await ask();
      const started = performance.now();
      const waiting = [1, 2, 3].map(() => call('GET', `/approvals/${id}?wait_seconds=25`, requester.token));
      const decided = await second.request('POST', `/api/v1/approvals/${id}/approve`, { token: reviewer.token, body: {} });
      expect(decided.status).toBe(200);
      for (const answer of await Promise.all(waiting)) expect(answer.body).toMatchObject({ status: 'approved', revision: 2 });
      expect(performance.now() - started).toBeLessThan(10_000);
    } finally {
      await second.stop();
    }
  });

  it('ends without one when the time is up', async () => {
    const { id } = await ask();
    expect((await call('GET', `/approvals/${id}?wait_seconds=1`, requester.token)).body.status).toBe('pending');
    for (const wait of ['31', '-1', 'x', '1.5']) expect((await call('GET', `/approvals/${id}?wait_seconds=${wait}`, requester.token)).status).toBe(400);
  });
});

describe('the list', () => {
  it('shows what waits, or what is asked for, under both names', async () => {
    const [open, rejected] = [await ask(), await ask()];
    await ok(call('POST', `/approvals/${rejected.id}/reject`, reviewer.token, {}));
    const pending = await idsOf('');
    expect([pending.includes(open.id), pending.includes(rejected.id)]).toEqual([true, false]);
    expect(await idsOf('status=rejected')).toContain(rejected.id);
    expect(await idsOf('status=all')).toEqual(expect.arrayContaining([open.id, rejected.id]));
    const aliased = await plane.request<{ items: Approval[] }>('GET', '/api/tools/approvals?status=rejected&limit=1', { token: reviewer.token });
    expect(aliased.body.items.map(({ id }) => id)).toEqual([rejected.id]);
    expect((await call('GET', '/approvals?status=lost', reviewer.token)).status).toBe(400);
  });
});

describe('the rules of a board', () => {
  it('hold a task that has a pending approval, and let it complete with an approved one', async () => {
    const agent = await createAgent(plane);
    const board = await createBoard(plane, { require_approval_for_done: true, block_status_changes_with_pending_approval: true }, [agent]);
    const task = await createTask(plane, { board_id: board.id });
    const [held] = await claim(plane, agent, { board_id: board.id });
    const asked = await ok(call('POST', '/agent/approvals', agent.token, { title: 'x', action: ACTION, task_id: task.id }));
    const complete = (): Promise<Answer> => call('POST', `/agent/tasks/${task.id}/complete`, agent.token, { fence: held?.lease.fence });
    expect((await complete()).body.code).toBe('approval_pending');
    await ok(approve(asked.id));
    expect((await complete()).body.status).toBe('completed');
  });

  it('are not satisfied by what a rule gave, nor a rule about completing by what was approved of something else', async () => {
    const { id: tenant } = await createTenant(plane);
    const [admin, user] = [await createUser(plane, { role: 'admin', tenant }), await createUser(plane, { tenant })];
    const agent = await createAgent(plane, {}, admin.token);
    const rule = (fields: object): Promise<unknown> => ok(call('POST', '/approval-rules', admin.token, { name: unique('rule'), ...fields }));
    const begun = async (board: Record<string, unknown>): Promise<{ id: string; complete: () => Promise<Answer> }> => {
      const { id: boardId } = await createBoard(plane, board, [agent], admin.token);
      const { id } = await createTask(plane, { board_id: boardId }, admin.token);
      const [held] = await claim(plane, agent, { board_id: boardId });
      return { id, complete: () => call('POST', `/agent/tasks/${id}/complete`, agent.token, { fence: held?.lease.fence }) };
    };
    await rule({ effect: 'allow', match: { kinds: ['ssh.*', 'task.complete'] } });
    const strict = await begun({ require_approval_for_done: true });
    for (const action of [ACTION, { kind: 'task.complete', arguments: { task_id: strict.id } }]) {
      expect(await ok(call('POST', '/agent/approvals', agent.token, { title: 'x', action, task_id: strict.id }))).toMatchObject({ status: 'approved', decided_by_kind: 'rule' });
    }
    expect((await strict.complete()).body.status).toBe('review');
    await rule({ match: { kinds: ['task.complete'] }, priority: 1 });
    const ruled = await begun({});
    const other = await ok(call('POST', '/agent/approvals', agent.token, { title: 'x', action: { kind: 'files.read', arguments: {} }, task_id: ruled.id }));
    await ok(approve(other.id, user.token));
    expect((await ruled.complete()).body.status).toBe('review');
  });
});
