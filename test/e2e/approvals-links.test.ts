import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { newToken } from '../../src/platform/crypto/tokens.js';
import { auditRows } from '../support/audit-rows.js';
import { createAgent, createTenant, createUser, ok, type SignedIn, someAddress, type TestAgent } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Approval {
  id: string;
  status: string;
  code: string;
  [field: string]: unknown;
}
interface Links {
  approve_url: string;
  reject_url: string;
  expires_at: string;
}

let tenantId: string;
let admin: SignedIn;
let reviewer: SignedIn;
let agent: TestAgent;
beforeAll(async () => {
  await startTwo({}, { TRUST_PROXY: 'loopback' });
  ({ id: tenantId } = await createTenant(plane));
  admin = await createUser(plane, { role: 'admin', tenant: tenantId });
  reviewer = await createUser(plane, { tenant: tenantId });
  agent = await createAgent(plane, {}, admin.token);
});
afterAll(() => stopTwo());

const call = <T = Approval>(method: string, path: string, token: string, body?: unknown): Promise<ApiResponse<T>> => plane.request<T>(method, `/api/v1${path}`, { token, body });
const asked = async (fields: Record<string, unknown> = {}): Promise<string> =>
  (await ok(call('POST', '/agent/approvals', agent.token, { title: 'Delete <b>everything</b>', description: 'It is "old" & done', action: { kind: 'files.delete', arguments: { path: '/<script>alert(1)</script>' } }, ...fields }))).id;
const linksOf = (id: string, who = reviewer, body: unknown = {}): Promise<Links> => ok(call<Links>('POST', `/approvals/${id}/links`, who.token, body));
const statusOf = async (id: string): Promise<unknown> => (await ok(call('GET', `/approvals/${id}`, reviewer.token))).status;

interface Visit {
  status: number;
  text: string;
  type: string | null;
  code?: string;
}
/** Like a browser: no credentials, and a form without fields. */
async function visit(url: string, method = 'GET', at: Plane = plane): Promise<Visit> {
  const form = method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
  const answer = await fetch(`${at.url}${new URL(url, at.url).pathname}`, { method, headers: { 'x-forwarded-for': someAddress(), accept: 'text/html', ...form } });
  const text = await answer.text();
  const type = answer.headers.get('content-type');
  return { status: answer.status, text, type, ...(type?.includes('json') ? { code: (JSON.parse(text) as { code: string }).code } : {}) };
}

describe('a link', () => {
  it('asks first, however often it is looked at, and decides by a POST, once', async () => {
    const id = await asked();
    const { approve_url: url, reject_url: other } = await linksOf(id);
    for (const method of ['GET', 'HEAD', 'GET']) expect(await visit(url, method)).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    const { text } = await visit(url);
    expect(text).toContain('Delete &lt;b&gt;everything&lt;/b&gt;');
    expect(text).toContain('{&quot;path&quot;:&quot;/&lt;script&gt;alert(1)&lt;/script&gt;&quot;}');
    expect(text).not.toContain('<script');
    // What turns the direction of writing around, or shows nothing, is not left to the browser.
    const odd = await linksOf(await asked({ title: 'Delete \u202elive\u200b', action: { kind: 'files.delete', arguments: { path: '/tmp/\u202efdp.exe' } } }));
    const page = (await visit(odd.approve_url)).text;
    expect(page).toContain('Delete \\u{202e}live\\u{200b}');
    expect(page).toContain('/tmp/\\u{202e}fdp.exe');
    expect(await statusOf(id)).toBe('pending');
    expect(await visit(url, 'POST')).toMatchObject({ status: 200, text: expect.stringContaining('is approved') });
    expect(await ok(call('GET', `/approvals/${id}`, reviewer.token))).toMatchObject({ status: 'approved', decided_by_kind: 'user', decided_by_id: reviewer.id, decisions: [{ via: 'link', by_id: reviewer.id }] });
    for (const [link, method] of [[url, 'GET'], [url, 'POST'], [other, 'GET'], [other, 'POST']] as const) expect((await visit(link, method)).status).toBe(409);
    expect(await auditRows(plane, `resource_id = $1 and action in ('approval.link', 'approval.approve')`, [id])).toMatchObject([{ action: 'approval.link', actor_id: reviewer.id }, { action: 'approval.approve', actor_kind: 'user', actor_id: reviewer.id }]);
    expect((await ok(call('POST', `/agent/approvals/${id}/redeem`, agent.token, { action: { kind: 'files.delete', arguments: { path: '/<script>alert(1)</script>' } } })))['redeemed_at']).toBeTruthy();
  });

  it('decides once of 50 at once in two processes, and never both ways', async () => {
    const id = await asked({ min_approvals: 2 });
    const { approve_url: yes, reject_url: no } = await linksOf(id);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => visit(index % 3 ? yes : no, 'POST', index % 2 ? plane : second)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 200).every(({ status, code }) => status === 409 && ['link_used', 'approval_decided', 'approval_voted'].includes(code ?? ''))).toBe(true);
    expect((await ok(call<{ decisions: unknown[] }>('GET', `/approvals/${id}`, reviewer.token))).decisions).toHaveLength(1);
  });

  it('is made for the caller alone, who could decide', async () => {
    const id = await asked({ approvers: { roles: ['admin'] } });
    expect((await call('POST', `/approvals/${id}/links`, reviewer.token, {})).body.code).toBe('not_approver');
    expect((await call('POST', `/approvals/${id}/links`, admin.token, { user_id: reviewer.id })).status).toBe(400);
    const own = await ok(call('POST', '/approvals', reviewer.token, { title: 'x', action: { kind: 'k', arguments: {} } }));
    expect((await call('POST', `/approvals/${own.id}/links`, reviewer.token, {})).body.code).toBe('self_approval');
    expect((await call('POST', `/approvals/${id}/links`, ADMIN_TOKEN, {})).status).toBe(403);
    for (const expires_in_seconds of [59, 604_801, 'x']) expect((await call('POST', `/approvals/${id}/links`, admin.token, { expires_in_seconds })).status).toBe(400);
  });

  it('is worth nothing when it is unknown, has run out, or was edited in the database', async () => {
    for (const token of ['x', newToken('whl_').token, `${newToken('whl_').token}x`]) for (const method of ['GET', 'POST']) expect(await visit(`/api/v1/approval-links/${token}`, method)).toMatchObject({ status: 404, code: 'not_found' });
    const database = plane.app.get(SystemDatabase);
    const id = await asked();
    const late = await linksOf(id);
    await database.query(`update approval_links set used_at = now() where approval_id = $1`, [id]);
    expect((await visit(late.approve_url, 'POST')).code).toBe('link_used');
    for (const change of [`user_id = '${admin.id}'`, `decision = case decision when 'approved' then 'rejected' else 'approved' end`, `mfa = not mfa`, `expires_at = expires_at + interval '1 day'`]) {
      const other = await asked();
      const { approve_url: url } = await linksOf(other);
      await database.query(`update approval_links set ${change} where approval_id = $1`, [other]);
      expect([change, (await visit(url, 'POST')).code]).toEqual([change, 'approval_broken']);
      expect(await statusOf(other)).toBe('pending');
    }
  });

  it('is refused while the tenant is suspended, in every process, and from addresses that it does not allow', async () => {
    const other = await createTenant(plane);
    const boss = await createUser(plane, { role: 'admin', tenant: other.id });
    const worker = await createAgent(plane, {}, boss.token);
    const { id } = await ok(call('POST', '/agent/approvals', worker.token, { title: 'x', action: { kind: 'k', arguments: {} } }));
    const { approve_url: url } = await linksOf(id, boss);
    await ok(call('POST', `/tenants/${other.id}/suspend`, ADMIN_TOKEN, {}));
    for (const at of [second, plane]) expect((await visit(url, 'POST', at)).code).toBe('tenant_suspended');
    await ok(call('POST', `/tenants/${other.id}/resume`, ADMIN_TOKEN, {}));
    await ok(call('PUT', `/security/ip-rules?tenant_id=${other.id}`, ADMIN_TOKEN, { rules: [{ action: 'allow', cidr: '192.0.2.0/24' }], force: true }));
    for (const at of [second, plane]) expect((await visit(url, 'POST', at)).code).toBe('address_not_allowed');
  });

  it('is worth nothing once the password was changed, or somebody else has ended a session of its person', async () => {
    const ends: ((who: SignedIn) => Promise<unknown>)[] = [
      (who) => plane.app.get(SystemDatabase).query(`update users set password_changed_at = clock_timestamp() where id = $1`, [who.id]),
      (who) => ok(call('DELETE', `/security/sessions?user_id=${who.id}`, admin.token)),
    ];
    for (const end of ends) {
      const who = await createUser(plane, { tenant: tenantId });
      const id = await asked();
      const { approve_url: url } = await linksOf(id, who);
      await end(who);
      for (const [method, at] of [['GET', plane], ['POST', second]] as const) expect((await visit(url, method, at)).code).toBe('link_used');
      expect(await statusOf(id)).toBe('pending');
    }
    const who = await createUser(plane, { tenant: tenantId });
    const { approve_url: url } = await linksOf(await asked(), who);
    expect((await call('POST', '/auth/logout', who.token, {})).status).toBeLessThan(500);
    expect((await visit(url, 'POST')).status).toBe(200);
  });

  it('does what its person may do now', async () => {
    const leaver = await createUser(plane, { tenant: tenantId });
    const ids = [await asked(), await asked(), await asked()];
    const links = [await linksOf(ids[0]!, leaver), await linksOf(ids[1]!, leaver), await linksOf(ids[2]!, leaver)];
    await ok(call('PUT', '/security', admin.token, { mfa: { required_roles: ['user'] } }));
    expect((await visit(links[0]!.approve_url, 'POST')).code).toBe('second_factor_missing');
    await ok(call('PUT', '/security', admin.token, { mfa: { required_roles: [] } }));
    expect((await visit(links[0]!.approve_url, 'POST')).status).toBe(200);
    await ok(call('PATCH', `/admin/users/${leaver.id}`, admin.token, { role: 'client' }));
    expect((await visit(links[1]!.approve_url, 'POST')).code).toBe('forbidden');
    await ok(call('PATCH', `/admin/users/${leaver.id}`, admin.token, { is_active: false }));
    expect((await visit(links[2]!.reject_url, 'POST', second)).code).toBe('account_disabled');
    expect(await statusOf(ids[1]!)).toBe('pending');
  });
});
