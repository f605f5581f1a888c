import { SecurityPolicies } from '../../src/identity/access-policy/security-policies.reader.js';
import { auditRows } from '../support/audit-rows.js';
import { createTenant, createUser, login, ok, type SignedIn } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(startTwo);
afterAll(stopTwo);

const SECURITY = '/api/v1/security';
const PASSWORDS = '/api/v1/security/password-policy';

async function tenantAdmin(): Promise<SignedIn> {
  const tenant = await createTenant(plane);
  return createUser(plane, { tenant: tenant.slug, role: 'admin' });
}
const get = (token: string, path = SECURITY, at = plane): Promise<ApiResponse> => at.request('GET', path, { token });
const put = (token: string, body: unknown, path = SECURITY, headers: Record<string, string> = {}): Promise<ApiResponse> =>
  plane.request('PUT', path, { token, body, headers });

describe('the security policy', () => {
  it('is there before anyone has chosen anything', async () => {
    const admin = await tenantAdmin();
    const { status, body, headers } = await get(admin.token);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: admin.tenantId,
      mfa: { required_roles: [], after_sso: 'unless_amr' },
      sso: { enforced: false, break_glass_user_id: null },
      session: { max_age_seconds: 7_776_000, idle_seconds: 2_592_000 },
      lockout: { free_attempts: 10, longest_wait_seconds: 60 },
      revision: 1,
      updated_at: null,
    });
    expect(headers.get('etag')).toBe(`"${admin.tenantId}.1"`);
    expect((await get(admin.token, PASSWORDS)).body).toEqual({
      id: admin.tenantId,
      min_length: 8,
      max_length: 256,
      common_refused: true,
      history: 3,
      max_age_days: null,
      revision: 1,
      updated_at: null,
    });
  });

  it('changes what is named and keeps the rest, with an audit row that shows before and after', async () => {
    const admin = await tenantAdmin();
    await ok(put(admin.token, { session: { idle_seconds: 3_600 }, mfa: { required_roles: ['client'] } }));
    const { body } = await put(admin.token, { lockout: { free_attempts: 5 } });
    expect(body).toMatchObject({
      mfa: { required_roles: ['client'], after_sso: 'unless_amr' },
      session: { max_age_seconds: 7_776_000, idle_seconds: 3_600 },
      lockout: { free_attempts: 5, longest_wait_seconds: 60 },
      revision: 3,
    });
    await ok(put(admin.token, { min_length: 12 }, PASSWORDS));
    const rows = await auditRows(plane, `tenant_id = $1 and resource_type = 'security_policy'`, [admin.tenantId]);
    expect(rows).toMatchObject([
      { action: 'security.update', before: { mfa: { required_roles: [] } }, after: { mfa: { required_roles: ['client'] } } },
      { action: 'security.update', before: { lockout: { free_attempts: 10 } }, after: { lockout: { free_attempts: 5 } } },
      { action: 'security.update_password_policy', before: { strength: { min_length: 8 } }, after: { strength: { min_length: 12 } } },
    ]);
  });

  it('leaves no row and no new revision when nothing changes', async () => {
    const admin = await tenantAdmin();
    expect((await put(admin.token, {})).body).toMatchObject({ revision: 1 });
    expect((await put(admin.token, { sso: { enforced: false } })).body).toMatchObject({ revision: 1 });
  });

  it('honours If-Match, also among 50 at once', async () => {
    const admin = await tenantAdmin();
    const etag = (await get(admin.token)).headers.get('etag') ?? '';
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => put(admin.token, { lockout: { free_attempts: 20 + index } }, SECURITY, { 'if-match': etag })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(49);
  });

  it('holds at once in every process', async () => {
    const admin = await tenantAdmin();
    const there = second.app.get(SecurityPolicies);
    expect((await there.of(admin.tenantId)).password.min_length).toBe(8);
    await ok(put(admin.token, { min_length: 14 }, PASSWORDS));
    expect((await there.of(admin.tenantId)).password.min_length).toBe(14);
    expect((await get(admin.token, PASSWORDS, second)).body).toMatchObject({ min_length: 14 });
  });

  it.each([
    ['a session shorter than five minutes', { session: { max_age_seconds: 299 } }, 'session.max_age_seconds'],
    ['idling longer than living', { session: { max_age_seconds: 600, idle_seconds: 601 } }, 'session.idle_seconds'],
    ['a role that is none', { mfa: { required_roles: ['root'] } }, 'mfa.required_roles'],
    ['a wait by which others could be locked out for long', { lockout: { longest_wait_seconds: 301 } }, 'lockout.longest_wait_seconds'],
    ['enforced single sign-on without an account that gets in without it', { sso: { enforced: true } }, 'sso.break_glass_user_id'],
    ['a group that is a list', { mfa: [{ required_roles: ['admin'] }] }, 'mfa'],
    ['a group that is null', { mfa: null }, 'mfa'],
    ['an unknown field', { mfa: { grace: 1 } }, 'mfa.grace'],
  ])('refuses %s', async (_, body, field) => {
    const admin = await tenantAdmin();
    const answer = await put(admin.token, body);
    expect(answer.status).toBe(400);
    expect((answer.body['errors'] as { field: string }[])[0]?.field).toBe(field);
  });

  it('takes for the break-glass account only an active administrator of the tenant', async () => {
    const admin = await tenantAdmin();
    const other = await tenantAdmin();
    const user = await createUser(plane, { tenant: admin.tenantId });
    for (const id of [other.id, user.id]) {
      expect((await put(admin.token, { sso: { break_glass_user_id: id } })).body).toMatchObject({ status: 400, errors: [{ code: 'unknown' }] });
    }
    expect((await put(admin.token, { sso: { enforced: true, break_glass_user_id: admin.id } })).status).toBe(200);
  });

  it('is not held up by a break-glass account that was named and is an administrator no more', async () => {
    const tenant = await createTenant(plane);
    const [admin, named] = [await createUser(plane, { role: 'admin', tenant: tenant.id }), await createUser(plane, { role: 'admin', tenant: tenant.id })];
    await ok(put(admin.token, { sso: { break_glass_user_id: named.id } }));
    await ok(plane.request('PATCH', `/api/v1/admin/users/${named.id}`, { token: admin.token, body: { role: 'user' } }));
    expect((await put(admin.token, { mfa: { after_sso: 'always' } })).status).toBe(200);
    expect((await put(admin.token, { sso: { enforced: true } })).status).toBe(400);
  });

  it('keeps the break-glass account while single sign-on is enforced', async () => {
    const admin = await tenantAdmin();
    const other = await createUser(plane, { tenant: admin.tenantId, role: 'admin' });
    await ok(put(admin.token, { sso: { enforced: true, break_glass_user_id: other.id } }));
    // Signed in with a password, who is not that account.
    expect((await get(admin.token)).status).toBe(401);
    for (const body of [{ role: 'user' }, { is_active: false }]) {
      const refused = await plane.request('PATCH', `/api/v1/admin/users/${other.id}`, { token: other.token, body });
      expect(refused.body).toMatchObject({ status: 409, code: 'conflict' });
    }
    await ok(put(other.token, { sso: { break_glass_user_id: admin.id } }));
    expect((await get(other.token, undefined, second)).status).toBe(401);
    const back = (await login(plane, admin.email)).body.access_token;
    expect((await plane.request('PATCH', `/api/v1/admin/users/${other.id}`, { token: back, body: { role: 'user' } })).status).toBe(200);
  });

  it.each([{ min_length: 7 }, { min_length: 129 }, { history: 13 }, { history: -1 }, { max_age_days: 0 }, { max_age_days: 3651 }, { min_length: '12' }, { composition: true }])(
    'refuses the password policy %j',
    async (body) => {
      const admin = await tenantAdmin();
      expect((await put(admin.token, body, PASSWORDS)).status).toBe(400);
    },
  );

  it('is for administrators, of their own tenant; the operator may name any', async () => {
    const admin = await tenantAdmin();
    const other = await tenantAdmin();
    for (const role of ['user', 'client'] as const) {
      const { token } = await createUser(plane, { tenant: admin.tenantId, role });
      for (const path of [SECURITY, PASSWORDS]) {
        expect((await get(token, path)).body).toMatchObject({ status: 403, code: 'forbidden' });
        expect((await put(token, {}, path)).body).toMatchObject({ status: 403, code: 'forbidden' });
      }
    }
    expect((await plane.request('GET', SECURITY)).status).toBe(401);
    expect((await get(other.token, `${SECURITY}?tenant_id=${admin.tenantId}`)).status).toBe(404);
    await ok(plane.request('PUT', `${SECURITY}?tenant_id=${admin.tenantId}`, { token: ADMIN_TOKEN, body: { session: { idle_seconds: 900 } } }));
    expect((await get(admin.token)).body).toMatchObject({ session: { idle_seconds: 900 } });
    expect((await get(other.token)).body).toMatchObject({ session: { idle_seconds: 2_592_000 } });
  });
});
