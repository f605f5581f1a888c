import { auditRows } from '../support/audit-rows.js';
import { TestEventSource } from '../support/event-source.js';
import { createTenant, createUser, login, ok, PASSWORD, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';
import { enableMfa, freshCode } from '../support/mfa.js';
import { TestSocket } from '../support/socket.js';

const RULES = '/api/v1/security/ip-rules';
const HOME = '10.20.3.4';
const ABROAD = '203.0.113.9';

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

const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
const put = (token: string, rules: object[], extra: object = {}, address = HOME): Promise<ApiResponse> =>
  plane.request('PUT', RULES, { token, body: { rules, ...extra }, headers: from(address) });
const me = (token: string, address: string, at = plane): Promise<ApiResponse> => at.request('GET', '/api/v1/auth/me', { token, headers: from(address) });
const allow = (cidr: string) => ({ action: 'allow', cidr });
const block = (cidr: string) => ({ action: 'block', cidr });

async function tenantAdmin(): Promise<SignedIn> {
  const tenant = await createTenant(plane);
  return createUser(plane, { tenant: tenant.slug, role: 'admin' });
}

describe('rules for addresses', () => {
  it('let everyone in while there are none', async () => {
    const admin = await tenantAdmin();
    const answer = await plane.request('GET', RULES, { token: admin.token, headers: from(HOME) });
    expect(answer.body).toEqual({ id: admin.tenantId, rules: [], your_address: HOME, revision: 1, updated_at: null });
    expect((await me(admin.token, ABROAD)).status).toBe(200);
  });

  it('refuse people, keys and agents at once, in every process, and leave a row for each', async () => {
    const admin = await tenantAdmin();
    const { key } = await ok<{ key: string }>(plane.request('POST', '/api/v1/security/api-keys', { token: admin.token, body: { name: 'k', scopes: ['*'] } }));
    const agent = await ok<{ id: string; token: string }>(plane.request('POST', '/api/v1/agents', { token: admin.token, body: { name: unique('a') } }));
    const beat = (address: string, at = plane): Promise<ApiResponse> =>
      at.request('POST', '/api/v1/agent/heartbeat', { token: agent.token, body: { status: 'idle' }, headers: from(address) });
    // Both processes know all three from abroad.
    for (const at of [plane, second]) {
      for (const token of [admin.token, key]) expect((await me(token, ABROAD, at)).status).toBe(200);
      expect((await beat(ABROAD, at)).status).toBe(200);
    }
    expect((await put(admin.token, [allow('10.20.0.0/16'), block('10.20.9.0/24')])).body).toMatchObject({ revision: 2, your_address: HOME });
    for (const at of [plane, second]) {
      for (const address of [ABROAD, '10.20.9.1', '2001:db8::1']) {
        for (const token of [admin.token, key]) expect((await me(token, address, at)).body).toMatchObject({ status: 403, code: 'address_not_allowed' });
        expect((await beat(address, at)).body).toMatchObject({ status: 403, code: 'address_not_allowed' });
      }
      for (const token of [admin.token, key]) {
        expect((await me(token, HOME, at)).status).toBe(200);
        expect((await me(token, `::ffff:${HOME}`, at)).status).toBe(200);
      }
      expect((await beat(HOME, at)).status).toBe(200);
    }
    const denied = await auditRows(plane, `tenant_id = $1 and action = 'access.denied'`, [admin.tenantId]);
    expect(denied).toHaveLength(18);
    expect(new Set(denied.map(({ actor_kind }) => actor_kind))).toEqual(new Set(['user', 'api_key', 'agent']));
    const [changed] = await auditRows(plane, `tenant_id = $1 and action = 'security.update_ip_rules'`, [admin.tenantId]);
    expect(changed).toMatchObject({ before: { rules: [] }, after: { rules: [{ cidr: '10.20.0.0/16' }, { cidr: '10.20.9.0/24' }] } });
  });

  it('hold for IPv6, and for no other tenant', async () => {
    const [admin, other] = [await tenantAdmin(), await tenantAdmin()];
    expect((await put(admin.token, [allow('2001:db8:7::/48')], {}, '2001:db8:7::1')).status).toBe(200);
    expect((await me(admin.token, '2001:db8:7:ffff::9')).status).toBe(200);
    // NAT64 and 6to4 addresses are what they are, not the IPv4 address that they name.
    for (const address of [HOME, '2001:db8:8::1', '64:ff9b::10.20.3.4']) expect((await me(admin.token, address)).status).toBe(403);
    expect((await me(other.token, HOME)).status).toBe(200);
  });

  it('do not believe an address that no trusted proxy says', async () => {
    const admin = await tenantAdmin();
    await ok(put(admin.token, [allow(HOME)]));
    // The last hop is what the proxy saw; what stands before it the client wrote.
    expect((await plane.request('GET', '/api/v1/auth/me', { token: admin.token, headers: from(`${HOME}, ${ABROAD}`) })).status).toBe(403);
  });

  it('do not lock their author out, unless asked to', async () => {
    const admin = await tenantAdmin();
    expect((await put(admin.token, [allow('10.99.0.0/16')])).body).toMatchObject({ status: 409, code: 'locks_out_author', current: HOME });
    expect((await put(admin.token, [block('10.0.0.0/8')])).body).toMatchObject({ code: 'locks_out_author' });
    expect((await plane.request('GET', RULES, { token: admin.token, headers: from(HOME) })).body).toMatchObject({ rules: [], revision: 1 });
    expect((await put(admin.token, [allow('10.99.0.0/16')], { force: true })).status).toBe(200);
    expect((await me(admin.token, HOME)).status).toBe(403);
    expect((await me(admin.token, '10.99.1.1')).status).toBe(200);
    // The operator, who is not bound by them, lets the tenant in again.
    const again = await plane.request('PUT', `${RULES}?tenant_id=${admin.tenantId}`, { token: ADMIN_TOKEN, body: { rules: [] } });
    expect(again.status).toBe(200);
    expect((await me(admin.token, HOME)).status).toBe(200);
  });

  it('end sockets and streams that are open from a refused address, in every process', async () => {
    const admin = await tenantAdmin();
    const board = await ok<{ id: string }>(plane.request('POST', '/api/v1/boards', { token: admin.token, body: { name: unique('b') } }));
    const sockets = [];
    for (const at of [plane, second])
      for (const address of [HOME, ABROAD]) {
        const socket = await new TestSocket(at, '', { headers: from(address) }).opened();
        await socket.ask({ type: 'auth', token: admin.token }, 'authenticated');
        sockets.push(socket);
      }
    const stream = await TestEventSource.open(second, `/api/v1/boards/${board.id}/memory/stream`, admin.token);
    await ok(put(admin.token, [block('203.0.113.0/24'), block('127.0.0.0/8')]));
    const [home, abroad, homeToo, abroadToo] = sockets as [TestSocket, TestSocket, TestSocket, TestSocket];
    expect((await abroad.end()).code).toBe(4403);
    expect((await abroadToo.end()).code).toBe(4403);
    await stream.until('end').catch(() => undefined);
    expect(stream.ended || stream.named('end').length > 0).toBe(true);
    for (const socket of [home, homeToo]) {
      await socket.ask({ type: 'ping' }, 'pong');
      socket.socket.close();
    }
    const late = await new TestSocket(plane, '', { headers: from(ABROAD) }).opened();
    late.send({ type: 'auth', token: admin.token });
    expect((await late.end()).code).toBe(4403);
    const rows = await auditRows(plane, `tenant_id = $1 and action = 'access.denied'`, [admin.tenantId]);
    expect(rows.at(-1)).toMatchObject({ detail: { operation: 'websocket', code: 'address_not_allowed' } });
  });

  it('hold for signing in too, where they look like a wrong password', async () => {
    const admin = await tenantAdmin();
    const user = await enableMfa(plane, await createUser(plane, { tenant: admin.tenantId }));
    await ok(put(admin.token, [block('203.0.113.0/24')]));
    const [right, wrong] = [await login(plane, admin.email, PASSWORD, ABROAD), await login(plane, admin.email, 'not-the-password', ABROAD)];
    const told = ({ status, body }: ApiResponse): object => ({ status, ...body, request_id: undefined });
    expect(told(right as unknown as ApiResponse)).toEqual(told(wrong as unknown as ApiResponse));
    expect(right.body.code).toBe('invalid_credentials');
    expect((await login(second, admin.email, PASSWORD, HOME)).status).toBe(200);

    const refresh = (address: string): Promise<ApiResponse> => plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: admin.refreshToken }, headers: from(address) });
    expect((await refresh(ABROAD)).body).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect((await refresh(HOME)).status).toBe(200);

    const { body } = await login(plane, user.email, PASSWORD, HOME);
    const answer = async (address: string): Promise<ApiResponse> =>
      second.request('POST', '/api/v1/auth/mfa/challenge', { body: { challenge_token: (body as unknown as { challenge_token: string }).challenge_token, code: await freshCode(plane, user) }, headers: from(address) });
    expect((await answer(ABROAD)).body).toMatchObject({ status: 401, code: 'mfa_challenge_invalid' });
    expect((await answer(HOME)).status).toBe(200);
    const rows = await auditRows(plane, `tenant_id = $1 and outcome = 'failed'`, [admin.tenantId]);
    expect(rows.map(({ action, detail }) => [action, detail?.['reason']])).toEqual([
      ['auth.login', 'address_not_allowed'],
      ['auth.login', 'address_not_allowed'],
      ['auth.refresh', 'address_not_allowed'],
      ['auth.login', 'address_not_allowed'],
    ]);
  });

  it('hold for those who would register', async () => {
    const register = (address: string): Promise<ApiResponse> =>
      plane.request('POST', '/api/v1/auth/register', { body: { email: `${unique('r')}@example.com`, password: PASSWORD, full_name: 'R' }, headers: from(address) });
    await ok(put(ADMIN_TOKEN, [block('203.0.113.0/24')]));
    try {
      expect((await register(ABROAD)).body).toMatchObject({ status: 403, code: 'address_not_allowed' });
      expect((await register(HOME)).status).toBe(201);
    } finally {
      await ok(put(ADMIN_TOKEN, []));
    }
  });

  it('are addresses and ranges, no more than 500, and honour If-Match', async () => {
    const admin = await tenantAdmin();
    for (const cidr of ['10.0.0.1/8', 'localhost', '10.0.0.0/33', '', '::1%lo', '0x7f.0.0.1', 7, ['10.0.0.0/8']])
      expect((await put(admin.token, [{ action: 'allow', cidr }])).body).toMatchObject({ status: 400, code: 'invalid_request' });
    expect((await put(admin.token, [{ action: 'permit', cidr: HOME }])).status).toBe(400);
    expect((await put(admin.token, Array.from({ length: 501 }, () => allow(HOME)))).status).toBe(400);
    const etag = (await plane.request('GET', RULES, { token: admin.token })).headers.get('etag') ?? '';
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        plane.request('PUT', RULES, { token: admin.token, body: { rules: [block(`192.0.2.${index}`)] }, headers: { ...from(HOME), 'if-match': etag } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(49);
  });

  it('are for administrators of the tenant', async () => {
    const tenant = await createTenant(plane);
    for (const role of ['user', 'client'] as const) {
      const user = await createUser(plane, { tenant: tenant.slug, role });
      expect((await plane.request('GET', RULES, { token: user.token })).status).toBe(403);
      expect((await put(user.token, [])).status).toBe(403);
    }
  });
});

describe('IP_RULES=off', () => {
  it('lets in who has locked himself out', async () => {
    const admin = await tenantAdmin();
    await ok(put(admin.token, [allow('10.99.0.0/16')], { force: true }));
    expect((await login(plane, admin.email)).body.code).toBe('invalid_credentials');
    const rescue = await startPlane({ database: plane.database, environment: { TRUST_PROXY: 'loopback', IP_RULES: 'off' } });
    expect((await me(admin.token, HOME)).status).toBe(403);
    expect((await me(admin.token, HOME, rescue)).status).toBe(200);
    await ok(rescue.request('PUT', RULES, { token: admin.token, body: { rules: [] }, headers: from(HOME) }));
    await rescue.stop();
    expect((await me(admin.token, HOME)).status).toBe(200);
  });
});
