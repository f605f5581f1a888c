import { auditRows } from '../support/audit-rows.js';
import { eventually } from '../support/eventually.js';
import { createUser, ok, type SignedIn } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

let plane: Plane;
let second: Plane;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
  second = await startPlane({ database: plane.database, environment: { TRUST_PROXY: 'loopback' } });
});
afterAll(async () => {
  await second.stop();
  await plane.stop();
});

const KEYS = '/api/v1/security/api-keys';
const HOME = '10.20.3.4';
type Made = Record<string, unknown> & { id: string; key: string };
const make = (token: string, body: object, address = HOME): Promise<ApiResponse<Made>> =>
  plane.request('POST', KEYS, { token, body: { name: 'k', scopes: ['*'], ...body }, headers: { 'x-forwarded-for': address } });
const rotate = (token: string, id: string, body?: object): Promise<ApiResponse<Made>> => plane.request('POST', `${KEYS}/${id}/rotate`, { token, body });
const me = (key: string, at = plane, address = HOME): Promise<ApiResponse> =>
  at.request('GET', '/api/v1/auth/me', { headers: { 'x-api-key': key, 'x-forwarded-for': address } });
const admin = (): Promise<SignedIn> => createUser(plane, { role: 'admin' });

describe('addresses of an API key', () => {
  it('are where it is taken from, and nowhere else', async () => {
    const owner = await admin();
    const made = (await make(owner.token, { allowed_addresses: ['10.20.0.0/16', '2001:db8::/32'] })).body;
    expect(made['allowed_addresses']).toEqual(['10.20.0.0/16', '2001:db8::/32']);
    for (const address of [HOME, `::ffff:${HOME}`, '2001:db8::7']) expect((await me(made.key, plane, address)).status).toBe(200);
    for (const address of ['10.21.0.1', '203.0.113.9', '2002:0a14:0304::1']) expect((await me(made.key, second, address)).body).toMatchObject({ status: 403, code: 'address_not_allowed' });
    const rows = await auditRows(plane, `action = 'access.denied' and actor_id = $1`, [made.id]);
    expect(rows).toHaveLength(3);
  });

  it('are no more than those of the key that it is made with', async () => {
    const owner = await admin();
    const parent = (await make(owner.token, { allowed_addresses: ['10.20.0.0/16'] })).body;
    expect((await make(parent.key, { allowed_addresses: ['10.20.3.0/24'] })).body['allowed_addresses']).toEqual(['10.20.3.0/24']);
    expect((await make(parent.key, {})).body['allowed_addresses']).toEqual(['10.20.0.0/16']);
    expect((await make(parent.key, { allowed_addresses: [] })).body['allowed_addresses']).toEqual(['10.20.0.0/16']);
    for (const wider of ['10.0.0.0/8', '0.0.0.0/0', '::/0'])
      expect((await make(parent.key, { allowed_addresses: [wider] })).body).toMatchObject({ status: 403, code: 'scope_exceeded', addresses: [wider] });
  });

  it('are addresses and ranges', async () => {
    const owner = await admin();
    for (const bad of [['10.0.0.1/8'], ['x'], 'x', [7], null, Array.from({ length: 101 }, (_, index) => `10.0.0.${index}`)])
      expect((await make(owner.token, { allowed_addresses: bad })).status).toBe(400);
  });
});

describe('the rotation of an API key', () => {
  it('ends the value before it at once, in every process', async () => {
    const owner = await admin();
    const made = (await make(owner.token, { expires_at: '2099-01-01T00:00:00Z', allowed_addresses: ['10.20.0.0/16'] })).body;
    for (const at of [plane, second]) expect((await me(made.key, at)).status).toBe(200);
    const { status, body } = await rotate(owner.token, made.id);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: made.id, scopes: ['*'], expires_at: '2099-01-01T00:00:00.000Z', allowed_addresses: ['10.20.0.0/16'], previous_valid_until: null, revision: 2 });
    expect(body.key).not.toBe(made.key);
    for (const at of [plane, second]) {
      expect((await me(made.key, at)).status).toBe(401);
      expect((await me(body.key, at)).status).toBe(200);
      expect((await me(body.key, at, '10.21.0.1')).status).toBe(403);
    }
    const [row] = await auditRows(plane, `action = 'api-key.rotate' and resource_id = $1`, [made.id]);
    expect(JSON.stringify(row)).not.toContain(body.key.slice(12));
  });

  it('leaves both values good for the overlap, and no third one', async () => {
    const owner = await admin();
    const made = (await make(owner.token, {})).body;
    const next = (await rotate(owner.token, made.id, { overlap_seconds: 2 })).body;
    expect(Date.parse(String(next['previous_valid_until']))).toBeGreaterThan(Date.now() - 5_000);
    for (const key of [made.key, next.key]) for (const at of [plane, second]) expect((await me(key, at)).status).toBe(200);
    await eventually(async () => (await me(made.key)).status === 401 && (await me(made.key, second)).status === 401);
    expect((await me(next.key)).status).toBe(200);
    const third = (await rotate(owner.token, made.id, { overlap_seconds: 600 })).body;
    const fourth = (await rotate(owner.token, made.id, { overlap_seconds: 600 })).body;
    expect((await me(next.key)).status).toBe(401);
    for (const key of [third.key, fourth.key]) expect((await me(key)).status).toBe(200);
    expect((await plane.request('DELETE', `${KEYS}/${made.id}`, { token: owner.token })).status).toBe(204);
    for (const key of [third.key, fourth.key]) for (const at of [plane, second]) expect((await me(key, at)).status).toBe(401);
  });

  it('is for the owner, and for the key itself and those that it made', async () => {
    const [owner, other] = [await admin(), await admin()];
    const made = (await make(owner.token, {})).body;
    const narrow = (await make(owner.token, { scopes: ['api-key:write', 'profile:read'] })).body;
    const child = (await make(narrow.key, { scopes: ['profile:read'] })).body;
    expect((await rotate(other.token, made.id)).status).toBe(404);
    expect((await rotate(ADMIN_TOKEN, made.id)).status).toBe(403);
    // Otherwise a key for little would get one for everything.
    expect((await rotate(narrow.key, made.id)).body).toMatchObject({ status: 403, code: 'scope_exceeded' });
    expect((await rotate(narrow.key, child.id)).status).toBe(200);
    expect((await rotate(narrow.key, narrow.id, { overlap_seconds: 60 })).status).toBe(200);
    for (const overlap of [-1, 604_801, 1.5, '1', null]) expect((await rotate(owner.token, made.id, { overlap_seconds: overlap })).status).toBe(400);
  });

  it('among 50 at once leaves one value, and with an overlap the one before it', async () => {
    const owner = await admin();
    const made = (await make(owner.token, {})).body;
    const answers = await Promise.all(Array.from({ length: 50 }, () => rotate(owner.token, made.id, { overlap_seconds: 600 })));
    const [rotated, refused] = [200, 409].map((wanted) => answers.filter(({ status }) => status === wanted));
    expect([rotated!.length + refused!.length, rotated!.length > 0, refused!.length > 0]).toEqual([50, true, true]);
    expect(refused![0]?.body).toMatchObject({ code: 'conflict' });
    const good = await Promise.all([made, ...rotated!.map(({ body }) => body)].map(async ({ key }) => (await me(key)).status === 200));
    expect(good.filter(Boolean)).toHaveLength(2);
  });

  it('holds If-Match against the key', async () => {
    const owner = await admin();
    const made = (await make(owner.token, {})).body;
    const given = (tag: string): Promise<ApiResponse<Made>> => plane.request('POST', `${KEYS}/${made.id}/rotate`, { token: owner.token, headers: { 'if-match': tag } });
    expect((await given(`"${made.id}.7"`)).body).toMatchObject({ status: 412, code: 'precondition_failed' });
    expect((await me(made.key)).status).toBe(200);
    expect((await given(`"${made.id}.1"`)).status).toBe(200);
    expect((await given(`"${made.id}.1"`)).status).toBe(412);
  });
});

describe('an API key', () => {
  it('never does more than its owner may now', async () => {
    const owner = await admin();
    const made = (await make(owner.token, {})).body;
    const users = (at = plane): Promise<ApiResponse> => at.request('GET', '/api/v1/admin/users', { headers: { 'x-api-key': made.key } });
    for (const at of [plane, second]) expect((await users(at)).status).toBe(200);
    await ok(plane.request('PATCH', `/api/v1/admin/users/${owner.id}`, { token: ADMIN_TOKEN, body: { role: 'user' } }));
    for (const at of [plane, second]) expect((await users(at)).body).toMatchObject({ status: 403, code: 'forbidden' });
  });
});
