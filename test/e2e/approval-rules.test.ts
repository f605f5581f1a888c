import { newId } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { ApprovalGate, type GateAnswer, type GateRequest } from '../../src/safeguards/approvals/approval-gate.port.js';
import { auditRows } from '../support/audit-rows.js';
import { eventually } from '../support/eventually.js';
import { createAgent, createTenant, createUser, ok, type SignedIn, type TestAgent, unique } from '../support/factories.js';
import type { ApiResponse } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Rule {
  id: string;
  version: number;
  code: string;
  errors: { field: string }[];
  [field: string]: unknown;
}

let tenantId: string;
let admin: SignedIn;
let user: SignedIn;
let agent: TestAgent;
beforeAll(() => startTwo());
afterAll(() => stopTwo());
const anew = async (): Promise<void> => {
  ({ id: tenantId } = await createTenant(plane));
  admin = await createUser(plane, { role: 'admin', tenant: tenantId });
  user = await createUser(plane, { tenant: tenantId });
  agent = await createAgent(plane, { autonomy_level: 'supervised' }, admin.token);
};

const call = <T = Rule>(method: string, path: string, token: string, body?: unknown, at = plane): Promise<ApiResponse<T>> => at.request<T>(method, `/api/v1${path}`, { token, body });
const makeRule = (fields: Record<string, unknown>): Promise<Rule> => ok(call('POST', '/approval-rules', admin.token, { name: unique('rule'), ...fields }));
const ask = (fields: Record<string, unknown> = {}, at = plane): Promise<Rule> => ok(call('POST', '/agent/approvals', agent.token, { title: 'x', action: { kind: 'ssh.execute', arguments: { command: 'ls' } }, ...fields }, at));
const gate = (request: Partial<GateRequest> = {}, at = plane): Promise<GateAnswer> =>
  at.app.get(RequestContext).runAsSystem(tenantId, 'test', () => at.app.get(ApprovalGate).ask({ action: { kind: 'ssh.execute', arguments: {} }, title: 'x', agentId: agent.id, ...request }));
const ALWAYS = [{ from: '00:00', to: '24:00', time_zone: 'UTC' }];

describe('rules', () => {
  beforeAll(anew);

  it('are made, changed and removed in versions, which stay', async () => {
    const rule = await makeRule({ name: 'Commands', match: { kinds: ['ssh.*'], autonomy_levels: ['supervised'] }, demand: { min_approvals: 2 }, auto_approve: ALWAYS, escalation: { after_seconds: 60, to: { roles: ['admin'] } } });
    expect(rule).toMatchObject({ version: 1, revision: 1, enabled: true, priority: 100, effect: 'require', match: { kinds: ['ssh.*'] }, demand: { min_approvals: 2, on_expire: null, approvers: { users: [], roles: [] } }, escalation: { after_seconds: 60, expires_seconds: null } });
    const changed = await ok(call('PATCH', `/approval-rules/${rule.id}`, admin.token, { demand: { min_approvals: 3 }, escalation: null }));
    expect(changed).toMatchObject({ version: 2, name: 'Commands', match: rule['match'], demand: { min_approvals: 3 }, escalation: null });
    expect((await call('POST', '/approval-rules', admin.token, { name: 'Commands' })).body.code).toBe('name_taken');
    expect((await call('PATCH', `/approval-rules/${rule.id}`, admin.token, { name: null })).status).toBe(400);
    expect((await call('DELETE', `/approval-rules/${rule.id}`, admin.token)).status).toBe(204);
    expect((await call('GET', `/approval-rules/${rule.id}`, admin.token)).status).toBe(404);
    const { items } = await ok(call<{ items: Rule[] }>('GET', `/approval-rules/${rule.id}/versions`, user.token));
    expect(items.map(({ version, changed_by_id }) => [version, changed_by_id])).toEqual([[2, admin.id], [1, admin.id]]);
    expect((await auditRows(plane, `resource_id = $1`, [rule.id])).map(({ action }) => action)).toEqual(['approval_rule.create', 'approval_rule.update', 'approval_rule.delete']);
  });

  it.each([
    ['name', { name: '' }],
    ['name', { name: undefined }],
    ['name', { name: null }],
    ['match.kinds', { match: { kinds: ['a b'] } }],
    ['match.kinds', { match: { kinds: [] } }],
    ['match.min_risk', { match: { min_risk: 'awful' } }],
    ['match.more', { match: { more: 1 } }],
    ['auto_approve.0.time_zone', { auto_approve: [{ from: '09:00', to: '10:00', time_zone: 'Mars/Olympus' }] }],
    ['auto_approve.0.from', { auto_approve: [{ from: '9:00', to: '10:00', time_zone: 'UTC' }] }],
    ['auto_approve.0.days.0', { auto_approve: [{ from: '09:00', to: '10:00', time_zone: 'UTC', days: [0] }] }],
    ['demand.expires_seconds', { demand: { on_expire: 'approve' } }],
    ['escalation', { demand: { on_expire: 'escalate', expires_seconds: 60 } }],
    ['demand.approvers', { demand: { approvers: { users: ['0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00'] } } }],
    ['effect', { effect: 'deny' }],
  ])('refuse a wrong %s', async (field, fields) => {
    const answer = await call('POST', '/approval-rules', admin.token, { name: unique('rule'), ...fields });
    expect([answer.status, answer.body.errors[0]?.field]).toEqual([400, expect.stringContaining(field.replace(/\.0$/, ''))]);
  });

  it('are for administrators who have just signed in, of the tenant alone', async () => {
    const rule = await makeRule({});
    expect((await call('POST', '/approval-rules', user.token, { name: 'x' })).status).toBe(403);
    const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body: { name: 'k', scopes: ['approval-rule:*'] } }));
    expect((await call('POST', '/approval-rules', key, { name: 'x' })).body.code).toBe('fresh_sign_in_required');
    expect((await call('DELETE', `/approval-rules/${rule.id}`, key)).body.code).toBe('fresh_sign_in_required');
    const outsider = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    for (const [method, body] of [['GET', undefined], ['PATCH', { enabled: false }], ['DELETE', undefined]] as const) expect((await call(method, `/approval-rules/${rule.id}`, outsider.token, body)).status).toBe(404);
  });
});

describe('the rules of one tenant', () => {
  beforeAll(anew);

  it('are two hundred at most, also when ten are made at once in two processes', async () => {
    await makeRule({});
    await plane.app.get(SystemDatabase).query(
      `insert into approval_rules (tenant_id, id, name, effect, match, demand) select tenant_id, gen_random_uuid(), 'rule ' || n, effect, match, demand from approval_rules, generate_series(1, 198) as n where tenant_id = $1`,
      [tenantId],
    );
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => call('POST', '/approval-rules', admin.token, { name: unique('rule') }, index % 2 ? plane : second)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'plan_limit_reached', limit: 200, current: 200 });
  });
});

describe('what an agent asks for', () => {
  beforeEach(anew);

  it('is asked of whom the rule says, by as many as it says, with the trace of it', async () => {
    const rule = await makeRule({ match: { kinds: ['ssh.*'] }, demand: { min_approvals: 2, approvers: { roles: ['admin', 'user'] }, expires_seconds: 600, grant_seconds: 60 } });
    const asked = await ask({ approvers: { users: [user.id] }, grant_seconds: 6_000 });
    expect(asked).toMatchObject({ status: 'pending', min_approvals: 2, approvers: { users: [], roles: ['admin', 'user'] }, trace: [{ rule_id: rule.id, version: 1, name: rule['name'], outcome: 'required' }] });
    expect(new Date(String(asked['expires_at'])).getTime() - new Date(String(asked['created_at'])).getTime()).toBeLessThanOrEqual(610_000);
    expect(await ask({ expires_at: '2030-01-01T00:00:00.000Z' })).toMatchObject({ expires_at: expect.not.stringContaining('2030') });
    expect(await ask({ action: { kind: 'files.copy', arguments: {} } })).toMatchObject({ min_approvals: 1, trace: [], expires_at: null });
  });

  it('is let through in the hours of a rule, and by a rule that allows, once', async () => {
    const window = await makeRule({ match: { max_confidence: 1 }, auto_approve: [{ ...ALWAYS[0], max_risk: 'low' }] });
    const given = await ask({ risk: 'low' });
    expect(given).toMatchObject({ status: 'approved', decided_by_kind: 'rule', decided_by_id: window.id, decisions: [], trace: [{ outcome: 'auto_approved' }] });
    const action = given['action'];
    expect([(await call('POST', `/approvals/${given.id}/redeem`, agent.token, { action })).status, (await call('POST', `/approvals/${given.id}/redeem`, agent.token, { action })).body.code]).toEqual([200, 'grant_used']);
    expect(await ask({ risk: 'medium' })).toMatchObject({ status: 'pending' });
    expect(await ask({})).toMatchObject({ status: 'pending' });
    const allow = await makeRule({ priority: 1, effect: 'allow', match: { kinds: ['ssh.execute'] } });
    expect(await ask({ risk: 'high' })).toMatchObject({ status: 'approved', decided_by_id: allow.id, trace: [{ outcome: 'allowed' }] });
    expect(await auditRows(plane, `action = 'approval.auto_approve' and resource_id = $1`, [given.id])).toHaveLength(1);
  });

  it('is asked of those whom the rule names, and for as long, whatever escalation its asker wants', async () => {
    await makeRule({ demand: { approvers: { roles: ['admin'] }, expires_seconds: 600 } });
    const own = (): object => ({ after_seconds: 1, to: { users: [user.id] }, expires_seconds: 7_776_000 });
    for (const fields of [{ escalation: own() }, { escalation: own(), on_expire: 'escalate' }]) expect(await ask(fields)).toMatchObject({ escalation: null, on_expire: 'reject', approvers: { users: [], roles: ['admin'] } });
    await anew();
    await makeRule({ demand: { min_approvals: 1 } });
    expect(await ask({ escalation: own(), on_expire: 'escalate' })).toMatchObject({ escalation: { after_seconds: 1 }, on_expire: 'escalate' });
  });

  it('counts as approved at no other time than the one that was said, whoever edits the database', async () => {
    await makeRule({ demand: { expires_seconds: 600, on_expire: 'approve' } });
    const { id } = await ask();
    await plane.app.get(SystemDatabase).query(`update approvals set expires_at = now() - interval '1 second' where id = $1`, [id]);
    expect(await ok(call('GET', `/approvals/${id}`, user.token))).toMatchObject({ status: 'expired', grant_expires_at: null });
  });

  it('counts as approved when nobody decides, where a rule says so', async () => {
    const rule = await makeRule({ demand: { expires_seconds: 1, on_expire: 'approve' } });
    const { id } = await ask();
    expect(await eventually(async () => { const row = await ok(call('GET', `/approvals/${id}`, user.token)); return row['status'] === 'pending' ? undefined : row; })).toMatchObject({ status: 'approved', decided_by_kind: 'rule', decided_by_id: rule.id, trace: [{ outcome: 'required' }, { outcome: 'approved_on_expiry' }] });
    expect((await call('POST', `/approvals/${id}/redeem`, agent.token, { action: { kind: 'ssh.execute', arguments: { command: 'ls' } } })).status).toBe(200);
  });
});

describe('the gate', () => {
  beforeEach(anew);

  it('follows the rules at once, in every process', async () => {
    for (const at of [plane, second]) expect(await gate({}, at)).toEqual({ state: 'allowed', approvalId: null });
    const rule = await makeRule({ match: { kinds: ['ssh.execute'], autonomy_levels: ['supervised'] } });
    for (const at of [second, plane]) expect(await gate({}, at)).toMatchObject({ state: 'pending' });
    await ok(call('PATCH', `/approval-rules/${rule.id}`, admin.token, { match: { autonomy_levels: ['manual'] } }));
    for (const at of [second, plane]) expect(await gate({}, at)).toEqual({ state: 'allowed', approvalId: null });
    await ok(call('PATCH', `/approval-rules/${rule.id}`, admin.token, { match: {} }, second));
    expect((await gate()).state).toBe('pending');
    expect((await call('DELETE', `/approval-rules/${rule.id}`, admin.token, undefined, second)).status).toBe(204);
    expect((await gate()).state).toBe('allowed');
  });

  it('keeps the trace of what a rule let through, and lets nothing through that a workflow asks people for', async () => {
    const rule = await makeRule({ auto_approve: ALWAYS });
    const answer = await gate({ source: { kind: 'tool', id: newId() } });
    expect(answer).toMatchObject({ state: 'allowed', approvalId: expect.any(String) });
    expect(await ok(call('GET', `/approvals/${answer.approvalId}`, user.token))).toMatchObject({ status: 'approved', decided_by_id: rule.id, redeemed_at: expect.any(String), trace: [{ rule_id: rule.id, version: 1, outcome: 'auto_approved' }] });
    expect(await gate({ source: { kind: 'workflow_step', id: newId() }, require: {} })).toMatchObject({ state: 'pending' });
    await ok(call('PATCH', `/approval-rules/${rule.id}`, admin.token, { auto_approve: [], demand: { min_approvals: 2 } }));
    const both = await gate({ source: { kind: 'workflow_step', id: newId() }, require: { approvers: { users: [user.id, admin.id] } } });
    expect(await ok(call('GET', `/approvals/${both.approvalId}`, user.token))).toMatchObject({ min_approvals: 2, approvers: { users: [user.id, admin.id] }, trace: [{ version: 2 }] });
  });
});

describe('a dry run', () => {
  beforeEach(anew);

  it('says what a rule would have done with what was asked for before', async () => {
    const allow = await makeRule({ effect: 'allow', match: { kinds: ['ssh.copy'] } });
    await gate({ action: { kind: 'ssh.copy', arguments: {} } });
    await ask({ action: { kind: 'ssh.copy', arguments: {} }, risk: 'high' });
    await ask({ risk: 'low' });
    await ask({ risk: 'critical' });
    const run = (body: unknown): Promise<Record<string, unknown>> => ok(call<Record<string, unknown>>('POST', '/approval-rules/dry-run', admin.token, body));
    const rule = { name: 'High risks', priority: 1, match: { min_risk: 'high' } };
    expect(await run({ rule })).toMatchObject({
      considered: 4,
      // What did not say its risk counts as high.
      decided_by_rule: 3,
      changed: 3,
      now: { required: 0, allowed: 2, auto_approved: 0, none: 2 },
      then: { required: 3, allowed: 0, none: 1 },
      examples: [{ kind: 'ssh.execute', now: 'none', then: 'required', agent_id: agent.id }, { kind: 'ssh.copy', now: 'allowed', then: 'required' }, { kind: 'ssh.copy', approval_id: null, title: null, now: 'allowed' }],
    });
    expect(await run({ rule: { name: 'x', effect: 'allow', match: { kinds: ['nothing'] } }, rule_id: allow.id })).toMatchObject({ decided_by_rule: 0, changed: 2, then: { none: 4 } });
    expect((await call('POST', '/approval-rules/dry-run', admin.token, { rule, rule_id: newId() })).status).toBe(404);
    expect((await call('POST', '/approval-rules/dry-run', user.token, { rule })).status).toBe(403);
    expect((await ok(call<{ total: number }>('GET', '/approval-rules', user.token))).total).toBe(1);
  });
});
