import { auditRows } from '../support/audit-rows.js';
import { Revocations } from '../../src/platform/cache/revocations.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { createTenant, createUser, login, PASSWORD, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { me, plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(startTwo);
afterAll(stopTwo);

const create = (body: object, headers: Record<string, string> = {}, token: string = ADMIN_TOKEN): Promise<ApiResponse> =>
  plane.request('POST', '/api/v1/admin/users', {
    token,
    headers,
    body: { email: `${unique('u')}@example.com`, password: PASSWORD, full_name: 'U', ...body },
  });
const patch = (id: string, body: object, token: string = ADMIN_TOKEN, headers: Record<string, string> = {}): Promise<ApiResponse> =>
  plane.request('PATCH', `/api/v1/admin/users/${id}`, { token, body, headers });
/** The body without what differs from request to request. */
const comparable = ({ body }: ApiResponse): unknown => ({ ...body, request_id: null });

describe('administration of users', () => {
  it('creates, reads, lists and filters', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const made = await create({ role: 'client' }, {}, admin.token);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ role: 'client', tenant_id: tenant.id, is_active: true, last_login_at: null, revision: 1 });
    const read = await plane.request('GET', `/api/v1/admin/users/${String(made.body['id'])}`, { token: admin.token });
    expect(read.body).toEqual(made.body);
    expect(read.headers.get('etag')).toBe(`"${String(made.body['id'])}.1"`);

    const list = (query: string): Promise<ApiResponse<{ total: number; items: { id: string }[]; next_cursor: string | null }>> =>
      plane.request('GET', `/api/v1/admin/users${query}`, { token: admin.token });
    expect((await list('')).body).toMatchObject({ total: 2, items: [{ id: made.body['id'] }, { id: admin.id }], limit: 50 });
    expect((await list('?role=admin')).body.items.map(({ id }) => id)).toEqual([admin.id]);
    expect((await list(`?email=${admin.email.toUpperCase()}`)).body.items.map(({ id }) => id)).toEqual([admin.id]);
    expect((await list('?is_active=false')).body.total).toBe(0);
    const page = await list('?limit=1');
    expect((await list(`?limit=1&cursor=${page.body.next_cursor ?? ''}`)).body.items.map(({ id }) => id)).toEqual([admin.id]);
    for (const query of ['?is_active=maybe', '?role=root', '?limit=101', '?cursor=x', '?unknown=1', '?role=admin&role=user'])
      expect((await list(query)).status).toBe(400);
  });

  it('refuses what is malformed, weak or taken', async () => {
    const taken = await createUser(plane);
    expect((await create({ email: taken.email })).body).toMatchObject({ status: 409, code: 'email_taken' });
    expect((await create({ password: 'password' })).body).toMatchObject({ status: 400, code: 'weak_password' });
    for (const wrong of [
      { email: 'x' },
      { role: 'root' },
      { full_name: ' ' },
      { full_name: 'x'.repeat(201) },
      { is_active: false },
      { id: taken.id },
      { password: null },
      { full_name: 'a\0b' },
    ]) {
      expect((await create(wrong)).body).toMatchObject({ status: 400, code: 'invalid_request' });
    }
    expect((await create({ tenant_id: 'no-such-tenant' })).body).toMatchObject({ status: 404, code: 'not_found' });
  });

  it('is for administrators', async () => {
    const user = await createUser(plane);
    const client = await createUser(plane, { role: 'client' });
    for (const { token } of [user, client]) {
      expect((await create({}, {}, token)).body).toMatchObject({ status: 403, code: 'forbidden' });
      expect((await plane.request('GET', '/api/v1/admin/users', { token })).status).toBe(403);
      expect((await patch(user.id, { role: 'admin' }, token)).status).toBe(403);
    }
    expect((await plane.request('GET', '/api/v1/admin/users')).status).toBe(401);
  });

  it('answers a repeated request with one Idempotency-Key as the first, also when 50 come at once', async () => {
    const body = { email: `${unique('once')}@example.com` };
    const key = { 'idempotency-key': unique('key') };
    const answers = await Promise.all(Array.from({ length: 50 }, () => create(body, key)));
    expect(answers.filter(({ status }) => ![201, 409].includes(status))).toEqual([]);
    expect(answers.some(({ status }) => status === 201)).toBe(true);
    const first = answers.find(({ status }) => status === 201);
    const again = await create(body, key);
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toEqual(first?.body);
    expect((await create({ ...body, full_name: 'Other' }, key)).body).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  });

  it("answers another tenant's user as an absent one", async () => {
    const [ours, theirs] = [await createTenant(plane), await createTenant(plane)];
    const admin = await createUser(plane, { role: 'admin', tenant: ours.slug });
    const foreign = await createUser(plane, { tenant: theirs.slug });
    const absent = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
    for (const [method, body] of [
      ['GET', undefined],
      ['PATCH', { full_name: 'Taken over' }],
      ['DELETE', undefined],
    ] as const) {
      const answers = await Promise.all(
        [foreign.id, absent].map((id) => plane.request(method, `/api/v1/admin/users/${id}`, { token: admin.token, body })),
      );
      expect(answers.map(({ status }) => status)).toEqual([404, 404]);
      expect(comparable(answers[0] as ApiResponse)).toEqual(comparable(answers[1] as ApiResponse));
    }
    expect((await create({ tenant_id: theirs.slug }, {}, admin.token)).status).toBe(404);
    expect((await plane.request('GET', `/api/v1/admin/users?tenant_id=${theirs.id}`, { token: admin.token })).status).toBe(404);
    // The operator names the tenant.
    expect((await plane.request('GET', `/api/v1/admin/users/${foreign.id}`, { token: ADMIN_TOKEN })).status).toBe(404);
    expect(
      (await plane.request('GET', `/api/v1/admin/users/${foreign.id}?tenant_id=${theirs.slug}`, { token: ADMIN_TOKEN })).body,
    ).toMatchObject({ id: foreign.id, full_name: 'A Person' });
  });

  it('honours If-Match, refuses null, and keeps before and after in the audit log', async () => {
    const user = await createUser(plane);
    const read = await plane.request('GET', `/api/v1/admin/users/${user.id}`, { token: ADMIN_TOKEN });
    const etag = read.headers.get('etag') ?? '';
    expect((await patch(user.id, { full_name: 'New' }, ADMIN_TOKEN, { 'if-match': etag })).body).toMatchObject({
      full_name: 'New',
      revision: Number(read.body['revision']) + 1,
    });
    expect((await patch(user.id, { full_name: 'Late' }, ADMIN_TOKEN, { 'if-match': etag })).body).toMatchObject({
      status: 412,
      code: 'precondition_failed',
    });
    expect((await patch(user.id, { full_name: 'New', role: 'user' })).body).toMatchObject({ revision: Number(read.body['revision']) + 1 });
    for (const wrong of [{ role: null }, { is_active: null }, { full_name: null }, { is_active: 'true' }, { email: 'a@example.com' }])
      expect((await patch(user.id, wrong)).status).toBe(400);
    const rows = await auditRows(plane, `action = 'user.update' and resource_id = $1`, [user.id]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ before: { full_name: 'A Person' }, after: { full_name: 'New' } });
    expect(JSON.stringify(rows)).not.toContain('argon2');
  });
});

describe('what a change means for the credentials of a user', () => {
  const users = (user: SignedIn, at: Plane): Promise<ApiResponse> => at.request('GET', '/api/v1/admin/users', { token: user.token });

  it('a demotion and a promotion hold from the next request on, in every process', async () => {
    await createUser(plane, { role: 'admin' });
    const user = await createUser(plane, { role: 'admin' });
    expect([(await users(user, plane)).status, (await users(user, second)).status]).toEqual([200, 200]);
    await patch(user.id, { role: 'user' });
    expect([(await users(user, plane)).status, (await users(user, second)).status]).toEqual([403, 403]);
    await patch(user.id, { role: 'admin' });
    expect([(await users(user, plane)).status, (await users(user, second)).status]).toEqual([200, 200]);
  });

  it('a deactivated user is refused at once, in every process, and has to sign in anew afterwards', async () => {
    const user = await createUser(plane);
    const me = (at: Plane): Promise<ApiResponse> => at.request('GET', '/api/v1/auth/me', { token: user.token });
    expect((await me(second)).status).toBe(200);
    expect((await plane.request('DELETE', `/api/v1/admin/users/${user.id}`, { token: ADMIN_TOKEN })).status).toBe(204);
    expect((await me(second)).status).toBe(401);
    expect((await me(plane)).status).toBe(401);
    await patch(user.id, { is_active: true });
    expect((await me(second)).status).toBe(401);
    expect((await plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: user.refreshToken } })).status).toBe(401);
    expect((await login(plane, user.email)).status).toBe(200);
  });
});

describe('what gives rights, or takes a protection away', () => {
  it('takes a person who has just signed in: a key of one scope and an old session are refused', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const person = await createUser(plane, { tenant: tenant.slug });
    const former = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    expect((await patch(former.id, { is_active: false }, admin.token)).status).toBe(200);
    const provider = { name: 'P', issuer: 'https://idp.example', client_id: 'c' };
    const { body: made } = await plane.request<{ id: string }>('POST', '/api/v1/sso/providers', { token: admin.token, body: provider });
    const scopes = ['user:read', 'user:write', 'security:write', 'sso:write'];
    const { body: key } = await plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: admin.token, body: { name: 'k', scopes } });
    const dangerous: [string, string, object][] = [
      ['POST', '/admin/users', { email: `${unique('u')}@example.com`, password: PASSWORD, full_name: 'U', role: 'admin' }],
      ['PATCH', `/admin/users/${person.id}`, { role: 'admin' }],
      ['PATCH', `/admin/users/${former.id}`, { is_active: true }],
      ['PUT', '/security', { mfa: { after_sso: 'always' } }],
      ['PUT', '/security/password-policy', { min_length: 9 }],
      ['PUT', '/security/ip-rules', { rules: [{ action: 'allow', cidr: '0.0.0.0/0' }] }],
      ['POST', '/sso/providers', { ...provider, name: 'Q' }],
      ['PATCH', `/sso/providers/${made.id}`, { default_role: 'admin' }],
      ['POST', '/sso/identities', { user_id: admin.id, provider_id: made.id, subject: 's' }],
    ];
    const tryAll = async (token: string): Promise<unknown[]> => {
      const answers: unknown[] = [];
      for (const [method, path, body] of dangerous) answers.push((await plane.request<{ code?: string }>(method, `/api/v1${path}`, { token, body })).body.code);
      return answers;
    };
    const refused = dangerous.map(() => 'fresh_sign_in_required');
    expect(await tryAll(key.key)).toEqual(refused);
    expect((await create({}, {}, key.key)).status).toBe(201);
    await plane.app.get(SystemDatabase).execute(`update sessions set authenticated_at = now() - interval '301 seconds' where user_id = $1`, [admin.id]);
    await plane.app.get(Revocations).revoke([`user:${admin.id}`]);
    expect(await tryAll(admin.token)).toEqual(refused);
  });
});

describe('the last administrator', () => {
  it('cannot be demoted, disabled or removed, and is counted per tenant', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    await createUser(plane, { tenant: tenant.slug });
    for (const change of [{ role: 'user' }, { is_active: false }])
      expect((await patch(admin.id, change, admin.token)).body).toMatchObject({ status: 409, code: 'last_admin' });
    expect((await plane.request('DELETE', `/api/v1/admin/users/${admin.id}`, { token: admin.token })).body).toMatchObject({
      status: 409,
      code: 'last_admin',
    });
    expect((await patch(admin.id, { full_name: 'Still Here' }, admin.token)).status).toBe(200);
  });

  it.each([1, 2, 3])('stays when all of them leave at the same moment, round %i', async () => {
    const tenant = await createTenant(plane);
    const admins: SignedIn[] = [];
    for (let index = 0; index < 5; index += 1) admins.push(await createUser(plane, { role: 'admin', tenant: tenant.slug }));
    const answers = await Promise.all(
      admins.map(({ id }) =>
        plane.request('PATCH', `/api/v1/admin/users/${id}?tenant_id=${tenant.id}`, { token: ADMIN_TOKEN, body: { role: 'user' } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4);
    expect(answers.filter(({ body }) => body['code'] === 'last_admin')).toHaveLength(1);
  });
});

describe('the own profile', () => {
  it('changes what is declared and nothing else', async () => {
    const user = await createUser(plane);
    const before = (await me(user.token)).body;
    const all = await plane.request('PUT', '/api/v1/auth/me', {
      token: user.token,
      body: { ...before, role: 'admin', full_name: 'Other' },
    });
    expect(all.status).toBe(400);
    const named = (all.body['errors'] as { field: string; code: string }[])
      .filter(({ code }) => code === 'unknown_field')
      .map(({ field }) => field);
    expect(named.sort()).toEqual(
      Object.keys(before)
        .filter((key) => key !== 'full_name')
        .sort(),
    );
    for (const [key, value] of Object.entries({ ...before, role: 'admin', is_active: false, password_hash: 'x' }).filter(
      ([name]) => name !== 'full_name',
    )) {
      expect(
        (await plane.request('PUT', '/api/v1/auth/me', { token: user.token, body: { full_name: 'Other', [key]: value } })).status,
      ).toBe(400);
    }
    expect((await me(user.token)).body).toEqual(before);
    const after = await plane.request('PUT', '/api/v1/auth/me', { token: user.token, body: { full_name: 'Other' } });
    expect(after.body).toEqual({
      ...before,
      full_name: 'Other',
      revision: Number(before['revision']) + 1,
      updated_at: after.body['updated_at'],
    });
  });

  it('keeps its ETag when somebody signs in', async () => {
    const user = await createUser(plane);
    const before = await me(user.token);
    const again = await plane.request<{ access_token: string }>('POST', '/api/v1/auth/login', { body: { email: user.email, password: PASSWORD } });
    expect(again.status).toBe(200);
    const after = await me(again.body.access_token);
    expect(after.headers.get('etag')).toBe(before.headers.get('etag'));
    expect(after.body['updated_at']).toBe(before.body['updated_at']);
    expect(after.body['last_login_at']).not.toBe(before.body['last_login_at']);
  });

  it('honours If-Match and If-None-Match', async () => {
    const user = await createUser(plane);
    const etag = (await me(user.token)).headers.get('etag') ?? '';
    expect((await plane.request('GET', '/api/v1/auth/me', { token: user.token, headers: { 'if-none-match': etag } })).status).toBe(304);
    expect(
      (await plane.request('PUT', '/api/v1/auth/me', { token: user.token, body: { full_name: 'A' }, headers: { 'if-match': etag } }))
        .status,
    ).toBe(200);
    expect(
      (await plane.request('PUT', '/api/v1/auth/me', { token: user.token, body: { full_name: 'B' }, headers: { 'if-match': etag } }))
        .status,
    ).toBe(412);
  });

  it("is nobody's for the bootstrap token", async () => {
    expect((await me(ADMIN_TOKEN)).body).toMatchObject({ status: 403, code: 'forbidden' });
  });
});
