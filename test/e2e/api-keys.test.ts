import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { createTenant, createUser, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { ApiKeyUsage } from '../../src/identity/api-keys/api-key-usage.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(startTwo);
afterAll(stopTwo);

type KeyAnswer = ApiResponse<Record<string, unknown> & { id: string; key: string }>;
const make = (token: string, body: object): Promise<KeyAnswer> =>
  plane.request('POST', '/api/v1/security/api-keys', { token, body: { name: 'k', scopes: ['profile:read'], ...body } });
const list = async (token: string): Promise<string[]> =>
  (await plane.request<{ items: { id: string }[] }>('GET', '/api/v1/security/api-keys', { token })).body.items.map(({ id }) => id);
const revoke = (token: string, id: string): Promise<ApiResponse> => plane.request('DELETE', `/api/v1/security/api-keys/${id}`, { token });
const me = (key: string, at: Plane = plane): Promise<ApiResponse> =>
  at.request('GET', '/api/v1/auth/me', { headers: { 'x-api-key': key } });
const users = (key: string, at: Plane = plane): Promise<ApiResponse> =>
  at.request('GET', '/api/v1/admin/users', { headers: { 'x-api-key': key } });

describe('an API key', () => {
  it('is shown once, works in both headers and under the second name of the path', async () => {
    const user = await createUser(plane);
    const made: KeyAnswer = await plane.request('POST', '/api/api-keys', {
      token: user.token,
      body: { name: 'Reports', scopes: ['profile:read', 'task:*'] },
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'Reports',
      scopes: ['profile:read', 'task:*'],
      owner_id: user.id,
      expires_at: null,
      last_used_at: null,
    });
    expect(made.body.key).toMatch(/^whk_[0-9A-Za-z]{39}$/);
    expect(made.body.key.startsWith(String(made.body['prefix']))).toBe(true);
    expect((await me(made.body.key)).body).toMatchObject({ id: user.id });
    expect((await plane.request('GET', '/api/v1/auth/me', { token: made.body.key })).body).toMatchObject({ id: user.id });
    const listed = await plane.request('GET', '/api/api-keys', { token: user.token });
    expect(listed.body).toMatchObject({ total: 1, items: [{ id: made.body.id, prefix: made.body['prefix'] }] });
    expect(JSON.stringify(listed.body)).not.toContain(made.body.key);
    const dump = await withAdmin((admin) => admin.query(`select row_to_json(k)::text as text from api_keys k where id = $1`, [made.body.id]), plane.database.name);
    expect(JSON.stringify([dump.rows, await auditRows(plane, 'true')])).not.toContain(made.body.key.slice(12));
  });

  it('has the form and checksum of one, or is not even looked up', async () => {
    const user = await createUser(plane);
    const { key } = (await make(user.token, {})).body;
    for (const wrong of [
      key.slice(0, -1),
      `${key}0`,
      `${key.slice(0, 20)}${key[20] === 'a' ? 'b' : 'a'}${key.slice(21)}`,
      'whk_',
      'x',
      key.slice(4),
    ])
      expect((await me(wrong)).status).toBe(401);
  });

  it("has scopes that are scopes, and none above its creator's", async () => {
    const user = await createUser(plane);
    const admin = await createUser(plane, { role: 'admin' });
    const client = await createUser(plane, { role: 'client' });
    expect((await make(user.token, { scopes: ['task:read', 'sudo'] })).body).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ field: 'scopes.1', code: 'unknown_scope' }],
    });
    for (const scopes of [['user:read'], ['agent:*'], ['*'], ['profile:read', 'tenant:write']])
      expect((await make(user.token, { scopes })).body).toMatchObject({ status: 403, code: 'scope_exceeded' });
    expect((await make(admin.token, { scopes: ['*'] })).status).toBe(201);
    expect((await make(admin.token, { scopes: ['agent:work'] })).body).toMatchObject({
      code: 'scope_exceeded',
      permissions: ['agent:work'],
    });
    expect((await make(client.token, {})).status).toBe(403);
    for (const wrong of [
      { scopes: [] },
      { scopes: 'task:read' },
      { scopes: [1] },
      { scopes: ['task:read', 'task:read'] },
      { scopes: Array.from({ length: 101 }, (_, i) => `s${i}`) },
      { name: '' },
      { owner_id: user.id },
      { key: 'whk_mine' },
    ]) {
      expect((await make(user.token, wrong)).status).toBe(400);
    }
  });

  it('may do what its scopes say and no more, though its owner may', async () => {
    const admin = await createUser(plane, { role: 'admin' });
    const { key } = (await make(admin.token, { scopes: ['user:read'] })).body;
    expect((await users(key)).status).toBe(200);
    expect((await me(key)).body).toMatchObject({ status: 403, code: 'forbidden', permission: 'profile:read' });
    expect(
      (
        await plane.request('POST', '/api/v1/auth/change-password', {
          token: (await make(admin.token, { scopes: ['*'] })).body.key,
          body: { current_password: 'x', new_password: 'y' },
        })
      ).status,
    ).toBe(403);
  });

  it('of a demoted owner loses its rights at once, and of a disabled one works no more, in every process', async () => {
    const admin = await createUser(plane, { role: 'admin' });
    const { key } = (await make(admin.token, { scopes: ['*'] })).body;
    expect([(await users(key)).status, (await users(key, second)).status]).toEqual([200, 200]);
    await createUser(plane, { role: 'admin' });
    await plane.request('PATCH', `/api/v1/admin/users/${admin.id}`, { token: ADMIN_TOKEN, body: { role: 'user' } });
    expect([(await users(key)).status, (await users(key, second)).status]).toEqual([403, 403]);
    expect((await me(key, second)).status).toBe(200);
    await plane.request('DELETE', `/api/v1/admin/users/${admin.id}`, { token: ADMIN_TOKEN });
    expect((await me(key, second)).body).toMatchObject({ status: 403, code: 'account_disabled' });
    expect((await me(key)).body).toMatchObject({ status: 403, code: 'account_disabled' });
  });

  it('of a suspended tenant is refused at once', async () => {
    const tenant = await createTenant(plane);
    const user = await createUser(plane, { tenant: tenant.slug });
    const { key } = (await make(user.token, {})).body;
    expect((await me(key, second)).status).toBe(200);
    await plane.request('POST', `/api/v1/tenants/${tenant.id}/suspend`, { token: ADMIN_TOKEN });
    expect((await me(key, second)).body).toMatchObject({ status: 403, code: 'tenant_suspended' });
  });

  it("is refused when it has expired, by the database's clock", async () => {
    const user = await createUser(plane);
    const soon = new Date(Date.now() + 1_200).toISOString();
    const short = (await make(user.token, { expires_at: soon })).body;
    expect(short['expires_at']).toBe(soon);
    expect((await me(short.key)).status).toBe(200);
    const until = Date.now() + 10_000;
    while ((await me(short.key)).status === 200 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await me(short.key)).status).toBe(401);
    expect(Date.now()).toBeGreaterThan(Date.parse(soon));
    const wrong = ['2020-01-01T00:00:00Z', 'tomorrow', '2027-13-01T00:00:00Z', '2027-01-31', 42];
    for (const expires_at of wrong) {
      const { status, body } = await make(user.token, { expires_at });
      expect([status, (body['errors'] as { field: string }[])[0]?.field]).toEqual([400, 'expires_at']);
    }
  });

  it('is revoked at once in every process, by its owner or an administrator', async () => {
    const user = await createUser(plane);
    const { id, key } = (await make(user.token, {})).body;
    expect((await me(key, second)).status).toBe(200);
    expect((await revoke(user.token, id)).status).toBe(204);
    expect([(await me(key)).status, (await me(key, second)).status]).toEqual([401, 401]);
    expect(await list(user.token)).toEqual([]);
    expect((await revoke(user.token, id)).status).toBe(404);
    const other = (await make(user.token, {})).body;
    expect((await revoke(ADMIN_TOKEN, other.id)).status).toBe(204);
    expect((await me(other.key)).status).toBe(401);
  });

  it("of somebody else is not there: for other users, and for other tenants' administrators", async () => {
    const tenant = await createTenant(plane);
    const owner = await createUser(plane, { tenant: tenant.slug });
    const colleague = await createUser(plane, { tenant: tenant.slug });
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const stranger = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    const { id, key } = (await make(owner.token, {})).body;
    expect(await list(colleague.token)).toEqual([]);
    expect(await list(stranger.token)).toEqual([]);
    expect(await list(admin.token)).toEqual([id]);
    const absent = await revoke(colleague.token, '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00');
    for (const { token } of [colleague, stranger]) {
      const answer = await revoke(token, id);
      expect({ ...answer.body, request_id: null }).toEqual({ ...absent.body, request_id: null, status: 404 });
    }
    expect((await me(key)).status).toBe(200);
  });

  it('makes keys within its own scopes and life, and takes them along when it is revoked', async () => {
    const user = await createUser(plane);
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const parent = (await make(user.token, { scopes: ['api-key:*', 'profile:read'], expires_at: expires })).body;
    const child = (await make(parent.key, {})).body;
    expect(child).toMatchObject({ owner_id: user.id, expires_at: expires });
    expect((await make(parent.key, { scopes: ['task:read'] })).body).toMatchObject({ code: 'scope_exceeded' });
    expect((await make(parent.key, { expires_at: new Date(Date.now() + 7_200_000).toISOString() })).body).toMatchObject({
      code: 'scope_exceeded',
    });
    const grandchild = (await make((await make(parent.key, { scopes: ['api-key:write', 'profile:read'] })).body.key, {})).body;
    expect((await me(grandchild.key, second)).status).toBe(200);
    await revoke(user.token, parent.id);
    for (const { key } of [parent, child, grandchild]) expect([(await me(key)).status, (await me(key, second)).status]).toEqual([401, 401]);
  });

  it('leaves none behind that is made at the moment of the revocation, two steps down', async () => {
    const user = await createUser(plane);
    const first = (await make(user.token, { scopes: ['api-key:*', 'profile:read'] })).body;
    const between = (await make(first.key, { scopes: ['api-key:*', 'profile:read'] })).body;
    const making = Array.from({ length: 24 }, (_, n) => make(between.key, { name: `k${n}` }));
    await Promise.race(making);
    await revoke(user.token, first.id);
    const made = (await Promise.all(making)).filter(({ status }) => status === 201).map(({ body }) => body.key);
    expect(made.length).toBeGreaterThan(0);
    for (const key of made) expect((await me(key)).status).toBe(401);
    expect((await make(between.key, {})).status).toBe(401);
  });

  it('belongs to a person of the tenant: a bootstrap token makes none, nor does an operator elsewhere', async () => {
    expect((await make(ADMIN_TOKEN, {})).body).toMatchObject({ status: 403, code: 'forbidden' });
    const tenant = await createTenant(plane);
    const operator = await createUser(plane, { role: 'admin' });
    expect((await make(operator.token, { tenant_id: tenant.id })).status).toBe(400);
  });

  it('notes its last use without a write per request', async () => {
    const user = await createUser(plane);
    const { id, key } = (await make(user.token, { name: unique('used') })).body;
    await Promise.all(Array.from({ length: 20 }, () => me(key)));
    await plane.app.get(ApiKeyUsage).flush();
    const seen = await plane.request<{ items: { id: string; last_used_at: string | null }[] }>('GET', '/api/v1/security/api-keys', {
      token: user.token,
    });
    const used = seen.body.items.find((item) => item.id === id)?.last_used_at;
    expect(Math.abs(Date.parse(used ?? '') - Date.now())).toBeLessThan(5_000);
  });

  it('is made once with one Idempotency-Key, key included', async () => {
    const user: SignedIn = await createUser(plane);
    const headers = { 'idempotency-key': unique('key') };
    const post = (): Promise<KeyAnswer> =>
      plane.request('POST', '/api/v1/security/api-keys', { token: user.token, headers, body: { name: 'once', scopes: ['profile:read'] } });
    const first = await post();
    expect((await post()).body).toEqual(first.body);
    expect(await list(user.token)).toEqual([first.body.id]);
  });
});
