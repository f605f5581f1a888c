import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { TestEventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { createBoard, createTask, createTenant, createUser, login, ok, PASSWORD, type SignedIn, someAddress, type Tokens } from '../support/factories.js';
import { ageSignIn, codeOf, enableMfa, freshCode } from '../support/mfa.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { follow, TestSocket } from '../support/socket.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(startTwo);
afterAll(stopTwo);

type Coded = Record<string, unknown> & { code?: string };

/** An administrator with a second factor, so that the policy leaves them free, and people of the same tenant. */
async function tenant(): Promise<{ admin: SignedIn; user: SignedIn; slug: string }> {
  const { slug } = await createTenant(plane);
  const admin = await enableMfa(plane, await createUser(plane, { tenant: slug, role: 'admin' }));
  return { admin, user: await createUser(plane, { tenant: slug }), slug };
}
const demand = (admin: SignedIn, ...roles: string[]): Promise<Coded> => ok(plane.request('PUT', '/api/v1/security', { token: admin.token, body: { mfa: { required_roles: roles } } }));
const agents = (token: string, at: Plane = plane): Promise<ApiResponse<Coded>> => at.request('GET', '/api/v1/agents', { token });

describe('a policy that asks for a second factor', () => {
  it('leaves nothing but setting it up to who has none, at once, in every process, in open sessions too', async () => {
    const { admin, user } = await tenant();
    expect([(await agents(user.token)).status, (await agents(user.token, second)).status]).toEqual([200, 200]);
    await demand(admin, 'user');
    for (const at of [plane, second]) {
      expect((await agents(user.token, at)).body).toMatchObject({ status: 403, code: 'mfa_setup_required' });
      expect((await at.request<Coded>('GET', '/api/v1/auth/me', { token: user.token })).body.code).toBe('mfa_setup_required');
      expect((await at.request<Coded>('POST', '/api/v1/tasks', { token: user.token, body: { title: 'x' } })).body.code).toBe('mfa_setup_required');
    }
    const { body } = await plane.request<Coded>('GET', '/api/v1/auth/mfa', { token: user.token });
    expect(body).toMatchObject({ enabled: false, required: true });
    await enableMfa(plane, user);
    expect([(await agents(user.token)).status, (await agents(user.token, second)).status]).toEqual([200, 200]);
  });

  it('opens a session for it that can do nothing else, and says so', async () => {
    const { admin, user } = await tenant();
    await demand(admin, 'user');
    const { status, body } = await login(plane, user.email);
    expect([status, body]).toEqual([200, expect.objectContaining({ mfa_setup_required: true })]);
    const renewed = await ok(plane.request<Tokens>('POST', '/api/v1/auth/refresh', { body: { refresh_token: body.refresh_token } }));
    expect(renewed).toMatchObject({ mfa_setup_required: true });
    expect((await agents(body.access_token)).body.code).toBe('mfa_setup_required');
    expect((await plane.request<Coded>('POST', '/api/v1/auth/change-password', { token: body.access_token, body: { current_password: PASSWORD, new_password: 'nine-herons-sleep-till-dawn' } })).body.code).toBe('mfa_setup_required');
    const { secret } = await ok(plane.request<{ secret: string }>('POST', '/api/v1/auth/mfa/setup', { token: body.access_token }));
    await ok(plane.request('POST', '/api/v1/auth/mfa/verify', { token: body.access_token, body: { code: codeOf(secret) } }));
    expect((await agents(body.access_token)).status).toBe(200);
  });

  it('holds for the role that is named, and lets go when it is no longer asked for', async () => {
    const { admin, user, slug } = await tenant();
    const other = await createUser(plane, { tenant: slug, role: 'admin' });
    await demand(admin, 'admin');
    expect([(await agents(user.token)).status, (await agents(other.token)).status, (await agents(admin.token)).status]).toEqual([200, 403, 200]);
    await ok(plane.request('PATCH', `/api/v1/admin/users/${user.id}`, { token: admin.token, body: { role: 'admin' } }));
    expect((await agents(user.token)).body.code).toBe('mfa_setup_required');
    await demand(admin);
    expect([(await agents(user.token)).status, (await agents(other.token, second)).status]).toEqual([200, 200]);
  });

  it('closes open sockets and streams, and opens none', async () => {
    const { admin, user } = await tenant();
    const socket = await follow(plane, user.token, 'task.*');
    const elsewhere = await follow(second, user.token, 'task.*');
    const stays = await follow(second, admin.token, 'task.*');
    const board = await createBoard(plane, {}, [], admin.token);
    const path = `/api/v1/boards/${board.id}/memory/stream`;
    const stream = await TestEventSource.open(second, path, user.token);
    await demand(admin, 'user');
    expect((await socket.end()).code).toBe(4403);
    const { code, reason } = await elsewhere.end();
    expect([code, reason]).toEqual([4403, expect.stringContaining('mfa_setup_required')]);
    await eventually(() => stream.ended);
    for (const at of [plane, second]) expect((await at.request<Coded>('GET', path, { token: user.token })).body.code).toBe('mfa_setup_required');
    const late = await new TestSocket(plane).opened();
    late.send({ type: 'auth', token: user.token });
    expect((await late.end()).code).toBe(4403);
    await createTask(plane, {}, admin.token);
    await stays.next('event');
    expect([...socket.events, ...elsewhere.events, ...late.events]).toEqual([]);
    stays.socket.close();
  });

  it('holds for the API keys of such a person', async () => {
    const { admin, user } = await tenant();
    const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: user.token, body: { name: 'k', scopes: ['agent:read'] } }));
    expect([(await agents(key)).status, (await agents(key, second)).status]).toEqual([200, 200]);
    await demand(admin, 'user');
    expect([(await agents(key)).body.code, (await agents(key, second)).body.code]).toEqual(['mfa_setup_required', 'mfa_setup_required']);
    await enableMfa(plane, user);
    expect([(await agents(key)).status, (await agents(key, second)).status]).toEqual([200, 200]);
  });

  it('holds again when the factor is taken away', async () => {
    const { admin, user, slug } = await tenant();
    const other = await createUser(plane, { tenant: slug, role: 'admin' });
    const own = await enableMfa(plane, user);
    await demand(admin, 'user');
    expect((await agents(own.token)).status).toBe(200);
    await ok(plane.request('DELETE', `/api/v1/admin/users/${own.id}/mfa`, { token: other.token }));
    const { body } = await plane.request<Coded>('POST', '/api/v1/auth/login', { body: { email: own.email, password: PASSWORD }, headers: { 'x-forwarded-for': someAddress() } });
    expect(body).toMatchObject({ mfa_setup_required: true });
    expect((await agents(body['access_token'] as string, second)).body.code).toBe('mfa_setup_required');
  });
});

describe('a sign-in that began before the factor was turned on', () => {
  it('opens no session without it', async () => {
    const user = await enableMfa(plane, await createUser(plane));
    await withAdmin(async (database) => {
      await database.query('update user_mfa set enabled_at = null where user_id = $1', [user.id]);
      // As the one does who turns it on: the account is held until that is committed.
      await database.query('begin');
      await database.query('select 1 from users where id = $1 for no key update', [user.id]);
      await database.query('update user_mfa set enabled_at = now() where user_id = $1', [user.id]);
      const under = login(second, user.email);
      // Somebody of this database: others of the cluster wait for their own affairs.
      await eventually(async () => (await database.query(`select 1 from pg_locks waiting where not waiting.granted and waiting.pid in
        (select pid from pg_locks where database = (select oid from pg_database where datname = current_database()))`)).rows[0] as object | undefined);
      await database.query('commit');
      const { status, body } = await under;
      expect([status, body.code, body.access_token]).toEqual([409, 'conflict', undefined]);
    }, plane.database.name);
    expect((await login(plane, user.email)).body).toMatchObject({ mfa_required: true });
  });
});

describe('proving again who one is', () => {
  const post = (path: string, body: object, token: string): Promise<ApiResponse<Coded>> => plane.request('POST', `/api/v1/auth/${path}`, { body, token, headers: { 'x-forwarded-for': someAddress() } });

  it('is what an administrator has to do whose sign-in is old before resetting a factor', async () => {
    const admin = await createUser(plane, { role: 'admin' });
    const lost = await enableMfa(plane, await createUser(plane));
    await ageSignIn(plane, admin, 6);
    const path = `/api/v1/admin/users/${lost.id}/mfa`;
    const refused = await second.request<Coded>('DELETE', path, { token: admin.token });
    expect(refused.body).toMatchObject({ status: 403, code: 'fresh_sign_in_required' });
    expect((await post('reauthenticate', { password: 'not the password' }, admin.token)).body.code).toBe('invalid_credentials');
    expect((await post('reauthenticate', { password: PASSWORD }, admin.token)).status).toBe(204);
    // At once, also in the process that saw the old one.
    expect((await second.request('DELETE', path, { token: admin.token })).status).toBe(204);
  });

  it('takes the code of an account with a second factor, not the password', async () => {
    const user = await enableMfa(plane, await createUser(plane, { role: 'admin' }));
    await ageSignIn(plane, user, 6);
    expect((await post('reauthenticate', { password: PASSWORD }, user.token)).body).toMatchObject({ status: 400, errors: [expect.objectContaining({ field: 'code' })] });
    expect((await post('reauthenticate', { code: '000000' }, user.token)).body.code).toBe('mfa_code_invalid');
    expect((await post('reauthenticate', { code: await freshCode(plane, user) }, user.token)).status).toBe(204);
    expect((await post('mfa/recovery-codes', {}, user.token)).status).toBe(200);
    expect((await auditRows(plane, `action = 'auth.reauthenticate' and actor_id = $1`, [user.id])).map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
    expect((await post('reauthenticate', { password: PASSWORD }, ADMIN_TOKEN)).body.code).toBe('forbidden');
  });
});
