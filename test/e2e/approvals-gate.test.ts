import { newId, OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { ApprovalGate, type GateAnswer, type GateRequest } from '../../src/safeguards/approvals/approval-gate.port.js';
import { createAgent, createUser, ok, type SignedIn } from '../support/factories.js';
import type { ApiResponse } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Approval {
  id: string;
  status: string;
  code: string;
  revision: number;
  [field: string]: unknown;
}

let people: SignedIn[];
beforeAll(async () => {
  await startTwo();
  people = await Promise.all([1, 2, 3].map(() => createUser(plane)));
});
afterAll(() => stopTwo());

const ACTION = { kind: 'release.publish', arguments: { version: '1.2.3' } };
const call = (method: string, path: string, token: string | undefined, body?: unknown): Promise<ApiResponse<Approval>> => plane.request(method, `/api/v1${path}`, { token, body });
const decide = (id: string, verdict: 'approve' | 'reject', who: SignedIn | undefined, note?: string): Promise<ApiResponse<Approval>> => call('POST', `/approvals/${id}/${verdict}`, who?.token, { note });
const read = (id: string): Promise<Approval> => ok(call('GET', `/approvals/${id}`, people[0]?.token));
const factsOf = (id: string): Promise<{ name: string; data: Record<string, unknown> }[]> => plane.app.get(SystemDatabase).query(`select name, data from events where data ->> 'approval_id' = $1 order by tx, seq`, [id]);

/** Asks as the plane itself does, in a transaction of its own. */
const ask = (request: Partial<GateRequest>, at = plane): Promise<GateAnswer> =>
  at.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', () => at.app.get(ApprovalGate).ask({ action: ACTION, title: 'Publish', ...request }));
const withdraw = (ids: string[]): Promise<void> => plane.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', () => plane.app.get(ApprovalGate).withdraw(ids, 'The run was cancelled.'));
const step = (): GateRequest['source'] => ({ kind: 'workflow_step', id: `${newId()}/publish/1` });

describe('a step of a workflow', () => {
  it('has one approval however often it asks, and hears of the decision', async () => {
    const source = step();
    const first = await ask({ source, require: { expires_seconds: 600 }, taskId: undefined });
    expect(first).toMatchObject({ state: 'pending' });
    const id = first.approvalId ?? '';
    expect(await ask({ source, require: {} }, second)).toEqual(first);
    expect(await ask({ source, require: {}, action: { ...ACTION, arguments: { version: '1.2.4' } } })).toMatchObject({ state: 'refused', approvalId: id });
    expect((await decide(id, 'approve', people[0], 'go')).body).toMatchObject({ status: 'approved', source });
    expect((await factsOf(id)).at(-1)).toMatchObject({
      name: 'approval.decided',
      data: { source, status: 'approved', decided_by: people[0]?.id, approvers: [{ kind: 'user', id: people[0]?.id, verdict: 'approved' }], note: 'go' },
    });
    expect([await ask({ source, require: {} }), await ask({ source, require: {} }, second)]).toEqual([{ state: 'approved', approvalId: id }, { state: 'approved', approvalId: id }]);
  });

  it('has one approval of 40 asked for at once in two processes', async () => {
    const source = step();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => ask({ source, require: {} }, index % 2 ? plane : second)));
    expect(new Set(answers.map(({ state, approvalId }) => `${state} ${approvalId}`)).size).toBe(1);
    expect(await factsOf(answers[0]?.approvalId ?? '')).toHaveLength(1);
  });

  it('is refused what was rejected, and what somebody changed in the database', async () => {
    const [one, two] = [step(), step()];
    const rejected = await ask({ source: one, require: {} });
    await ok(decide(rejected.approvalId ?? '', 'reject', people[0], 'not today'));
    expect(await ask({ source: one, require: {} })).toMatchObject({ state: 'refused', reason: 'not today' });
    const forged = await ask({ source: two, require: {} });
    await plane.app.get(SystemDatabase).query(`update approvals set status = 'approved', decided_by_kind = 'user', decided_by_id = $2, decided_at = now() where id = $1`, [forged.approvalId, people[0]?.id]);
    expect(await ask({ source: two, require: {} })).toMatchObject({ state: 'refused' });
  });

  it('is let go when nobody waits for it any more', async () => {
    const [waiting, approved] = [await ask({ source: step(), require: {} }), await ask({ source: step(), require: {} })];
    await ok(decide(approved.approvalId ?? '', 'approve', people[0]));
    await withdraw([waiting.approvalId ?? '', approved.approvalId ?? '', newId()]);
    expect(await read(waiting.approvalId ?? '')).toMatchObject({ status: 'withdrawn', reviewer_note: 'The run was cancelled.', decided_by_id: null });
    expect((await factsOf(waiting.approvalId ?? '')).at(-1)).toMatchObject({ name: 'approval.decided', data: { status: 'withdrawn' } });
    expect(await read(approved.approvalId ?? '')).toMatchObject({ status: 'approved', grant_expires_at: null });
    expect((await decide(waiting.approvalId ?? '', 'approve', people[0])).body).toMatchObject({ code: 'approval_decided', current: 'withdrawn' });
  });

  it('may not be approved by whoever the run was started by', async () => {
    const { approvalId } = await ask({ source: step(), require: {}, requester: `user:${people[0]?.id}` });
    expect((await decide(approvalId ?? '', 'approve', people[0])).body.code).toBe('self_approval');
    expect((await decide(approvalId ?? '', 'approve', people[1])).body.status).toBe('approved');
  });
});

describe('whoever else asks', () => {
  it('is let through when nothing asks for approval', async () => {
    expect(await ask({})).toEqual({ state: 'allowed', approvalId: null });
  });

  it('does what was approved once, and then asks anew', async () => {
    const request: Partial<GateRequest> = { source: { kind: 'secret', id: newId() }, require: {} };
    const { approvalId } = await ask(request);
    expect(await ask(request)).toEqual({ state: 'pending', approvalId });
    await ok(decide(approvalId ?? '', 'approve', people[0]));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(request, index % 2 ? plane : second)));
    expect(answers.filter(({ state }) => state === 'approved')).toEqual([{ state: 'approved', approvalId }]);
    const others = new Set(answers.filter(({ state }) => state === 'pending').map((answer) => answer.approvalId));
    expect([others.size, others.has(approvalId)]).toEqual([1, false]);
  });

  it('uses a grant by name: of the same action, by its holder', async () => {
    const agent = await createAgent(plane);
    const { approvalId } = await ask({ agentId: agent.id, require: {} });
    const use = (request: Partial<GateRequest>): Promise<GateAnswer> => ask({ agentId: agent.id, grantId: approvalId ?? '', ...request });
    expect(await use({})).toMatchObject({ state: 'refused', reason: 'This approval has not been given.' });
    await ok(decide(approvalId ?? '', 'approve', people[0]));
    expect(await use({ agentId: newId() })).toMatchObject({ state: 'refused' });
    expect(await use({ action: { ...ACTION, arguments: { version: '1.2.3 ' } } })).toMatchObject({ state: 'refused' });
    expect(await use({})).toEqual({ state: 'approved', approvalId });
    expect(await use({})).toMatchObject({ state: 'refused' });
  });
});

describe('who decides', () => {
  it('is who was named', async () => {
    const named = await ask({ require: { approvers: { users: [people[1]?.id ?? ''] } } });
    expect((await decide(named.approvalId ?? '', 'approve', people[0])).body.code).toBe('not_approver');
    expect((await decide(named.approvalId ?? '', 'reject', people[0])).body.code).toBe('not_approver');
    expect((await decide(named.approvalId ?? '', 'approve', people[1])).body.status).toBe('approved');
    const admins = await ask({ require: { approvers: { roles: ['admin'] } } });
    expect((await decide(admins.approvalId ?? '', 'approve', people[0])).body.code).toBe('not_approver');
    expect((await decide(admins.approvalId ?? '', 'approve', await createUser(plane, { role: 'admin' }))).body.status).toBe('approved');
    for (const users of [[newId()], [(await createUser(plane, { role: 'client' })).id]]) await expect(ask({ require: { approvers: { users } } })).rejects.toMatchObject({ code: 'invalid_request' });
    for (const require of [{ approvers: { users: ['nobody'] } }, { approvers: { roles: ['client' as 'admin'] } }, { min_approvals: 0 }, { min_approvals: 21 }, { expires_seconds: 1.5 }, { grant_seconds: 1e12 }]) await expect(ask({ require })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(ask({ require: { approvers: { users: [people[0]?.id ?? ''] }, min_approvals: 2 } })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('is as many different people as it needs', async () => {
    const { approvalId } = await ask({ require: { min_approvals: 2 } });
    const id = approvalId ?? '';
    expect((await decide(id, 'approve', people[0], 'one')).body).toMatchObject({ status: 'pending', approvals_given: 1, min_approvals: 2, grant_expires_at: null });
    expect((await decide(id, 'approve', people[0])).body.code).toBe('approval_voted');
    const key = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: people[0]?.token, body: { name: 'k', scopes: ['approval:*'] } }));
    expect((await call('POST', `/approvals/${id}/approve`, key.key, {})).body.code).toBe('approval_voted');
    expect((await decide(id, 'approve', people[1], 'two')).body).toMatchObject({ status: 'approved', approvals_given: 2, decisions: [{ by_id: people[0]?.id, note: 'one' }, { by_id: people[1]?.id, note: 'two' }] });
    const rejected = await ask({ require: { min_approvals: 2 } });
    await ok(decide(rejected.approvalId ?? '', 'approve', people[0]));
    expect((await decide(rejected.approvalId ?? '', 'reject', people[1])).body.status).toBe('rejected');
  });

  it('counts each person once, and no more people than it needs, at once in two processes', async () => {
    const { approvalId } = await ask({ require: { min_approvals: 2 } });
    const answers = await Promise.all(
      Array.from({ length: 36 }, (_, index) => (index % 2 ? plane : second).request<Approval>('POST', `/api/v1/approvals/${approvalId}/approve`, { token: people[index % 3]?.token, body: {} })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(await read(approvalId ?? '')).toMatchObject({ status: 'approved', approvals_given: 2, revision: 3 });
  });

  it('gives no word that others put into the database', async () => {
    const { approvalId } = await ask({ require: { min_approvals: 2 } });
    const database = plane.app.get(SystemDatabase);
    await ok(decide(approvalId ?? '', 'approve', people[0]));
    await database.query(`update approvals set decisions = decisions || jsonb_build_array(decisions -> 0 || jsonb_build_object('decider', 'user:' || $2::text, 'by_id', $2::text)), min_approvals = 3 where id = $1`, [approvalId, people[2]?.id]);
    expect((await decide(approvalId ?? '', 'approve', people[1])).body.code).toBe('approval_broken');
    for (const change of [`min_approvals = 1`, `requester = 'user:x'`, `action = jsonb_set(action, '{arguments,version}', '"6.6.6"')`, `title = 'Harmless'`, `approver_roles = '{user}'`, `request_seal = null`]) {
      const asked = await ask({ require: { min_approvals: 2 }, requester: `user:${people[0]?.id}` });
      await database.query(`update approvals set ${change} where id = $1`, [asked.approvalId]);
      expect([change, (await decide(asked.approvalId ?? '', 'approve', people[1])).body.code]).toEqual([change, 'approval_broken']);
      expect((await decide(asked.approvalId ?? '', 'reject', people[1])).body.status).toBe('rejected');
    }
  });
});
