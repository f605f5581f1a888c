import { newId } from '../../src/core/ids.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { sealed, verifyOnline } from '../support/audit-bundles.js';
import { auditRows } from '../support/audit-rows.js';
import { tamperWith } from '../support/audit-tampering.js';
import { createAgent, createTenant, createUser, ok, type SignedIn, type TestAgent } from '../support/factories.js';
import type { ApiResponse, Plane } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Approval {
  id: string;
  status: string;
  code: string;
  [field: string]: unknown;
}

let tenantId: string;
let reviewer: SignedIn;
let agent: TestAgent;
let other: TestAgent;
beforeAll(async () => {
  await startTwo();
  ({ id: tenantId } = await createTenant(plane));
  reviewer = await createUser(plane, { role: 'admin', tenant: tenantId });
  [agent, other] = [await createAgent(plane, {}, reviewer.token), await createAgent(plane, {}, reviewer.token)];
});
afterAll(() => stopTwo());

const ACTION = { kind: 'ssh.execute', arguments: { command: 'systemctl restart web', hosts: ['a', 'b'], force: false, limit: 1.5 } };
const call = (method: string, path: string, token: string, body?: unknown, at: Plane = plane): Promise<ApiResponse<Approval>> => at.request(method, `/api/v1${path}`, { token, body });
const requested = (fields: Record<string, unknown> = {}): Promise<Approval> => ok(call('POST', '/agent/approvals', agent.token, { title: 'Restart', action: ACTION, ...fields }));
const redeem = (id: string, action: unknown = ACTION, token = agent.token, at: Plane = plane): Promise<ApiResponse<Approval>> => call('POST', `/approvals/${id}/redeem`, token, { action }, at);
const approved = async (fields: Record<string, unknown> = {}): Promise<string> => {
  const { id } = await requested(fields);
  await ok(call('POST', `/approvals/${id}/approve`, reviewer.token, {}));
  return id;
};
const edit = (id: string, change: string, ...values: unknown[]): Promise<unknown> => plane.app.get(SystemDatabase).query(`update approvals set ${change} where id = $1`, [id, ...values]);

describe('a grant', () => {
  it('works once, for what was approved, whatever order its members are sent in', async () => {
    const { id } = await requested();
    expect((await redeem(id)).body).toMatchObject({ code: 'approval_not_given', current: 'pending' });
    const given = await ok(call('POST', `/approvals/${id}/approve`, reviewer.token, {}));
    expect(new Date(String(given['grant_expires_at'])).getTime() - new Date(String(given['decided_at'])).getTime()).toBe(3_600_000);
    const { command, ...rest } = ACTION.arguments;
    const done = await redeem(id, { arguments: { ...rest, command }, kind: ACTION.kind });
    expect([done.status, done.body]).toEqual([200, expect.objectContaining({ status: 'approved', redeemed_at: expect.any(String), grant_expires_at: null })]);
    expect((await redeem(id)).body.code).toBe('grant_used');
    expect(await auditRows(plane, `action = 'approval.redeem' and resource_id = $1`, [id])).toMatchObject([{ outcome: 'done', actor_id: agent.id, detail: { kind: ACTION.kind } }]);
    const facts = await plane.app.get(SystemDatabase).query(`select 1 from events where name = 'approval.redeemed' and data ->> 'approval_id' = $1`, [id]);
    expect(facts).toHaveLength(1);
  });

  it.each([
    ['a byte', { ...ACTION, arguments: { ...ACTION.arguments, command: 'systemctl restart wep' } }],
    ['a blank', { ...ACTION, arguments: { ...ACTION.arguments, command: 'systemctl restart web ' } }],
    ['the type of a value', { ...ACTION, arguments: { ...ACTION.arguments, force: 'false' } }],
    ['the order of a list', { ...ACTION, arguments: { ...ACTION.arguments, hosts: ['b', 'a'] } }],
    ['a member more', { ...ACTION, arguments: { ...ACTION.arguments, sudo: true } }],
    ['a member less', { ...ACTION, arguments: { command: 'systemctl restart web' } }],
    ['the kind', { ...ACTION, kind: 'ssh.executE' }],
  ])('is refused when %s is another', async (_, action) => {
    const id = await approved();
    expect(await redeem(id, action)).toMatchObject({ status: 409, body: { code: 'grant_mismatch' } });
    expect((await redeem(id)).status).toBe(200);
  });

  it('is won by exactly one of 50 at once in two processes', async () => {
    const id = await approved();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => redeem(id, ACTION, agent.token, index % 2 ? plane : second)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'grant_used')).toHaveLength(49);
    expect(await auditRows(plane, `action = 'approval.redeem' and resource_id = $1`, [id])).toHaveLength(1);
  });

  it('is nobody else\'s, in this tenant or another', async () => {
    const id = await approved();
    const foreign = await createAgent(plane);
    const absent = await redeem(newId());
    for (const token of [other.token, foreign.token]) {
      const refused = await redeem(id, ACTION, token);
      expect([refused.status, { ...refused.body, request_id: '' }]).toEqual([404, { ...absent.body, request_id: '' }]);
    }
    for (const token of [reviewer.token]) expect((await redeem(id, ACTION, token)).status).toBe(403);
    expect((await redeem(id)).status).toBe(200);
  });

  it('runs out, and is none for what was rejected or has run out', async () => {
    const late = await approved();
    await edit(late, `grant_expires_at = now() - interval '1 second'`);
    expect((await redeem(late)).body.code).toBe('grant_expired');
    const { id } = await requested();
    await ok(call('POST', `/approvals/${id}/reject`, reviewer.token, {}));
    expect((await redeem(id)).body).toMatchObject({ code: 'approval_not_given', current: 'rejected' });
  });
});

describe('an approval that somebody edits in the database', () => {
  it.each([
    ['the approver', `decided_by_id = gen_random_uuid()::text`],
    ['the kind of the approver', `decided_by_kind = 'bootstrap'`],
    ['the approver in the list of decisions', `decisions = jsonb_set(decisions, '{0,by_id}', to_jsonb(gen_random_uuid()))`],
    ['the decider in the list of decisions', `decisions = jsonb_set(decisions, '{0,decider}', '"user:x"')`],
    ['a decision less', `decisions = '[]'`],
    ['how many must approve', `min_approvals = 2`],
    ['the requester', `requester = 'user:x'`],
    ['how long it may be used', `grant_expires_at = grant_expires_at + interval '1 day'`],
    ['the trace', `trace = '[{"rule_id": "x"}]'`],
    ['no seal', `grant_seal = null`],
  ])('is refused: %s', async (_, change) => {
    const id = await approved();
    await edit(id, change);
    expect(await redeem(id)).toMatchObject({ status: 409, body: { code: 'approval_broken' } });
    expect(await auditRows(plane, `action = 'approval.redeem' and resource_id = $1`, [id])).toMatchObject([{ outcome: 'failed', detail: { reason: 'approval_broken' } }]);
  });

  it('is not given by a word that stands there twice', async () => {
    const { id } = await requested({ min_approvals: 3 });
    await ok(call('POST', `/approvals/${id}/approve`, reviewer.token, {}));
    await edit(id, `decisions = decisions || decisions`);
    const second = await createUser(plane, { tenant: tenantId });
    expect((await call('POST', `/approvals/${id}/approve`, second.token, {})).body.code).toBe('approval_broken');
  });

  it('does not become one for another action, another agent, or one that nobody approved', async () => {
    const evil = { kind: 'ssh.execute', arguments: { command: 'rm -rf /' } };
    const wanted = await requested({ action: evil });
    const good = await approved();
    await edit(good, `action = $2, action_hash = $3`, JSON.stringify(evil), wanted['action_hash']);
    expect((await redeem(good, evil)).body.code).toBe('approval_broken');
    const stolen = await approved();
    await edit(stolen, `agent_id = $2`, other.id);
    expect((await redeem(stolen, ACTION, other.token)).body.code).toBe('approval_broken');
    // Everything that another one's approval consists of.
    const source = await approved();
    await plane.app.get(SystemDatabase).query(
      `update approvals t set status = s.status, decisions = s.decisions, decided_by_kind = s.decided_by_kind, decided_by_id = s.decided_by_id, decided_at = s.decided_at, grant_expires_at = s.grant_expires_at,
         request_seal = s.request_seal, grant_seal = s.grant_seal from approvals s where s.id = $1 and t.id = $2`,
      [source, wanted.id],
    );
    expect((await redeem(wanted.id, evil)).body.code).toBe('approval_broken');
  });

  it('is not used again when the row is put back to before; without its audit row, the log\'s verification finds it', async () => {
    const id = await approved();
    await ok(redeem(id));
    await sealed(plane, reviewer.token);
    await edit(id, 'redeemed_at = null');
    expect((await redeem(id)).body.code).toBe('grant_used');
    expect(await verifyOnline(plane, reviewer.token)).toMatchObject({ ok: true });
    await tamperWith(plane, tenantId, (run) => run(`delete from audit_log where tenant_id = $1 and action = 'approval.redeem' and resource_id = $2`, id));
    expect((await redeem(id)).status).toBe(200);
    expect(await verifyOnline(plane, reviewer.token)).toMatchObject({ ok: false });
  });
});
