import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { auditRows } from '../support/audit-rows.js';
import { TestEventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import type { ApiResponse } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Approval {
  id: string;
  status: string;
  code: string;
  errors: { field: string }[];
  [field: string]: unknown;
}

let tenantId: string;
let admin: SignedIn;
let requester: SignedIn;
let reviewer: SignedIn;
beforeAll(async () => {
  await startTwo();
  ({ id: tenantId } = await createTenant(plane));
  admin = await createUser(plane, { role: 'admin', tenant: tenantId });
  [requester, reviewer] = [await createUser(plane, { tenant: tenantId }), await createUser(plane, { tenant: tenantId })];
});
afterAll(() => stopTwo());

const call = (method: string, path: string, token: string, body?: unknown): Promise<ApiResponse<Approval>> => plane.request(method, `/api/v1${path}`, { token, body });
const ask = (fields: Record<string, unknown> = {}): Promise<ApiResponse<Approval>> => call('POST', '/approvals', requester.token, { title: 'x', action: { kind: 'deploy', arguments: {} }, ...fields });
const read = (id: string): Promise<Approval> => ok(call('GET', `/approvals/${id}`, requester.token));
const edit = (id: string, change: string): Promise<unknown> => plane.app.get(SystemDatabase).query(`update approvals set ${change} where id = $1`, [id]);
const facts = (id: string): Promise<{ name: string }[]> => plane.app.get(SystemDatabase).query(`select name from events where data ->> 'approval_id' = $1 order by tx, seq`, [id]);
const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();
const escalation = { to: { roles: ['admin'] } };

describe('escalation', () => {
  it('goes to others after a while, once, whichever process looks', async () => {
    const { id } = await ok(ask({ approvers: { users: [reviewer.id] }, expires_at: inAnHour(), escalation: { ...escalation, after_seconds: 600 } }));
    expect((await call('POST', `/approvals/${id}/approve`, admin.token, {})).body.code).toBe('not_approver');
    await edit(id, `escalates_at = now() - interval '1 second'`);
    await Promise.all(Array.from({ length: 20 }, (_, index) => (index % 2 ? plane : second).request('GET', `/api/v1/approvals/${id}`, { token: requester.token })));
    expect(await eventually(async () => ((await read(id))['escalated_at'] ? read(id) : undefined))).toMatchObject({ status: 'pending', approvers: { users: [], roles: ['admin'] }, revision: 2 });
    expect((await facts(id)).map(({ name }) => name)).toEqual(['approval.requested', 'approval.escalated']);
    expect(await auditRows(plane, `action = 'approval.escalate' and resource_id = $1`, [id])).toHaveLength(1);
    expect((await call('POST', `/approvals/${id}/approve`, reviewer.token, {})).body.code).toBe('not_approver');
    expect((await call('POST', `/approvals/${id}/approve`, admin.token, {})).body.status).toBe('approved');
  });

  it('comes instead of the end where that is asked for, and ends then', async () => {
    const { id } = await ok(ask({ approvers: { users: [reviewer.id] }, expires_at: inAnHour(), on_expire: 'escalate', escalation: { ...escalation, expires_seconds: 60 } }));
    await edit(id, `expires_at = now() - interval '1 second'`);
    const escalated = await read(id);
    expect(escalated).toMatchObject({ status: 'pending', approvers: { roles: ['admin'] } });
    expect(new Date(String(escalated['expires_at'])).getTime() - new Date(String(escalated['escalated_at'])).getTime()).toBeGreaterThan(59_000);
    await edit(id, `expires_at = now() - interval '1 second'`);
    expect((await call('POST', `/approvals/${id}/approve`, admin.token, {})).body.code).toBe('approval_decided');
    expect(await read(id)).toMatchObject({ status: 'expired' });
  });

  it('is refused when it says nothing, or what only a rule may say', async () => {
    for (const [fields, field] of [[{ on_expire: 'escalate' }, 'escalation'], [{ on_expire: 'approve' }, 'on_expire'], [{ escalation: {} }, 'escalation.to'], [{ escalation: { to: { users: [admin.id, 'x'] } } }, 'escalation.to.users'], [{ escalation: { to: { users: [tenantId] } } }, 'escalation.to']] as const) {
      const { status, body } = await ask(fields);
      expect([status, body.errors[0]?.field]).toEqual([400, expect.stringContaining(field)]);
    }
  });

  it('approves nothing that somebody wrote into the database', async () => {
    const { id } = await ok(ask({ expires_at: inAnHour() }));
    await edit(id, `expires_at = now() - interval '1 second', on_expire = 'approve', trace = '[{"rule_id": "x", "version": 1, "name": "x", "outcome": "required"}]'`);
    expect(await read(id)).toMatchObject({ status: 'expired', grant_expires_at: null });
  });
});

describe('the stream', () => {
  it('tells what happens, from every process, to the tenant alone, and goes on where a client left', async () => {
    const open = (at = plane, lastEventId?: string, token = reviewer.token): Promise<TestEventSource> => TestEventSource.open(at, '/api/v1/approvals/stream', token, lastEventId);
    const outsider = await createUser(plane, { role: 'admin' });
    const [here, there, elsewhere] = [await open(), await open(second), await open(plane, undefined, outsider.token)];
    const { id } = await ok(ask({ min_approvals: 2 }));
    await here.until('approval.requested');
    await ok(call('POST', `/approvals/${id}/approve`, reviewer.token, {}));
    for (const source of [here, there]) expect((await source.until('approval.progressed')).data).toMatchObject({ id, approvals_given: 1, status: 'pending' });
    here.close();
    await ok(call('POST', `/approvals/${id}/approve`, admin.token, {}));
    expect((await there.until('approval.decided')).data).toMatchObject({ id, status: 'approved', approvals_given: 2 });
    const again = await open(second, here.lastEventId);
    expect((await again.until('approval.decided')).data).toMatchObject({ id });
    expect(again.named('approval.progressed')).toEqual([]);
    expect(elsewhere.heard.filter(({ event }) => event?.startsWith('approval.'))).toEqual([]);
    for (const source of [there, again, elsewhere]) source.close();
  });
});
