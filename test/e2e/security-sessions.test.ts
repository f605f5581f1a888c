import { request as httpRequest } from 'node:http';
import { SessionUsage } from '../../src/identity/sessions/session-usage.js';
import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createBoard, createTenant, createUser, login, ok, type SignedIn, someAddress } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { follow } from '../support/socket.js';
import { me, plane, second, startTwo, stopTwo } from '../support/two-planes.js';

interface Session {
  id: string;
  user_id: string;
  email: string;
  kind: string;
  device: string;
  ip: string | null;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  current: boolean;
}
interface Sessions {
  items: Session[];
  total: number;
  next_cursor: string | null;
}

beforeAll(startTwo);
afterAll(stopTwo);

const ALL = '/api/v1/security/sessions';
const OWN = '/api/v1/auth/sessions';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

const list = (token: string, path = ALL): Promise<Sessions> => ok(plane.request<Sessions>('GET', path, { token }));
const refresh = (token: string): Promise<ApiResponse> => plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: token }, headers: { 'x-forwarded-for': someAddress() } });
const end = (token: string, path: string): Promise<ApiResponse> => plane.request('DELETE', path, { token });
const admin = (role: 'admin' | 'user' | 'client' = 'admin', tenant?: string): Promise<SignedIn> =>
  tenant === undefined ? createTenant(plane).then(({ slug }) => createUser(plane, { tenant: slug, role })) : createUser(plane, { tenant, role });
const setSession = (userId: string, change: string): Promise<unknown> =>
  withAdmin((client) => client.query(`update sessions set ${change} where user_id = $1`, [userId]), plane.database.name);

/** A stream of a board's memory, opened at a plane. @returns what came over it, and whether it ended */
function openStream(at: Plane, boardId: string, token: string): { text: string; ended: boolean } {
  const state = { text: '', ended: false };
  const request = httpRequest(`${at.url}/api/v1/boards/${boardId}/memory/stream`, { headers: { authorization: `Bearer ${token}` } }, (response) => {
    response.on('data', (data: Buffer) => (state.text += data.toString()));
    response.on('close', () => (state.ended = true));
  });
  request.on('error', () => (state.ended = true));
  request.end();
  return state;
}

describe('the list of sessions', () => {
  it('shows device, address and last use of those that are open', async () => {
    const person = await admin();
    const answer = await plane.request<{ access_token: string }>('POST', '/api/v1/auth/login', {
      body: { email: person.email, password: 'seven-otters-hum-at-noon' },
      headers: { 'user-agent': FIREFOX, 'x-forwarded-for': '203.0.113.7' },
    });
    const { items, total } = await list(answer.body.access_token);
    expect(total).toBe(2);
    expect(items[0]).toMatchObject({ user_id: person.id, email: person.email, kind: 'bearer', device: 'Firefox on Linux', ip: '203.0.113.7', current: true });
    expect(items[1]).toMatchObject({ current: false });
    const [first] = items;
    expect(Date.parse(first?.expires_at ?? '') - Date.parse(first?.last_used_at ?? '')).toBeGreaterThan(86_400_000);
    expect(JSON.stringify(items)).not.toMatch(/hash|whr_|user_agent/);
    await plane.request('POST', '/api/v1/auth/logout', { token: answer.body.access_token });
    expect((await list(person.token)).items.map(({ current }) => current)).toEqual([true]);
  });

  it('is the whole tenant to its administrators, page by page, and one person of it when asked', async () => {
    const boss = await admin();
    const people = [await admin('user', boss.tenantId), await admin('client', boss.tenantId)];
    const other = await admin();
    const first = await list(boss.token, `${ALL}?limit=2`);
    expect(first.total).toBe(3);
    const rest = await list(boss.token, `${ALL}?limit=2&cursor=${first.next_cursor ?? ''}`);
    const shown = [...first.items, ...rest.items].map(({ user_id: id }) => id);
    expect(shown).toEqual([people[1]?.id, people[0]?.id, boss.id]);
    expect((await list(boss.token, `${ALL}?offset=2`)).items.map(({ user_id: id }) => id)).toEqual([boss.id]);
    expect((await list(boss.token, `${ALL}?user_id=${people[0]?.id ?? ''}`)).items.map(({ user_id: id }) => id)).toEqual([people[0]?.id]);
    expect((await list(boss.token, `${ALL}?user_id=${other.id}`)).items).toEqual([]);
    expect((await list(ADMIN_TOKEN, `${ALL}?tenant_id=${boss.tenantId}`)).total).toBe(3);
    expect((await plane.request('GET', `${ALL}?user_id=me`, { token: boss.token })).status).toBe(400);
  });

  it('is the own sessions to everyone, and no more', async () => {
    const boss = await admin();
    for (const role of ['user', 'client'] as const) {
      const person = await admin(role, boss.tenantId);
      expect((await plane.request('GET', ALL, { token: person.token })).body).toMatchObject({ status: 403, code: 'forbidden' });
      expect((await list(person.token, OWN)).items.map(({ user_id: id }) => id)).toEqual([person.id]);
    }
    expect((await plane.request('GET', OWN, { token: ADMIN_TOKEN })).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await plane.request('GET', OWN)).status).toBe(401);
  });

  it('tells the last use, and writes it no more often than it must', async () => {
    const person = await admin();
    await setSession(person.id, `last_used_at = now() - interval '1 hour'`);
    const usage = plane.app.get(SessionUsage);
    const used = async (): Promise<number> => Date.now() - Date.parse((await list(person.token, OWN)).items[0]?.last_used_at ?? '');
    expect(await used()).toBeGreaterThan(3_500_000);
    await usage.flush();
    expect(await used()).toBeLessThan(60_000);
    await setSession(person.id, `last_used_at = now() - interval '1 hour'`);
    for (let index = 0; index < 5; index += 1) await me(person.token);
    await usage.flush();
    expect(await used()).toBeGreaterThan(3_500_000);
  });
});

describe('ending sessions', () => {
  it('ends one in every process, with its sockets and streams, and no other', async () => {
    const boss = await admin();
    const person = await admin('user', boss.tenantId);
    const elsewhere = (await login(plane, person.email)).body;
    const board = await createBoard(plane, {}, [], boss.token);
    expect((await me(person.token, second)).status).toBe(200);
    const socket = await follow(second, person.token, 'task.*');
    const other = await follow(second, elsewhere.access_token, 'task.*');
    const stream = openStream(second, board.id, person.token);
    await eventually(() => stream.text.includes('retry:'));

    const { items } = await list(boss.token, `${ALL}?user_id=${person.id}`);
    const oldest = items.at(-1)?.id ?? '';
    expect((await end(boss.token, `${ALL}/${oldest}`)).status).toBe(204);
    expect((await me(person.token, second)).status).toBe(401);
    expect((await me(person.token)).status).toBe(401);
    expect((await socket.end()).code).toBe(4401);
    await eventually(() => stream.ended);
    expect(stream.text).toContain('revoked');
    expect((await plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: person.refreshToken } })).status).toBe(401);
    expect((await me(elsewhere.access_token, second)).status).toBe(200);
    expect(other.closed).toBeUndefined();
    other.socket.close();
    expect((await end(boss.token, `${ALL}/${oldest}`)).status).toBe(404);
  });

  it('ends all of a user, in every process, with one row in the trail', async () => {
    const boss = await admin();
    const person = await admin('user', boss.tenantId);
    const tokens = [person.token, (await login(plane, person.email)).body.access_token, (await login(plane, person.email)).body.access_token];
    for (const token of tokens) expect((await me(token, second)).status).toBe(200);
    expect((await end(boss.token, `${ALL}?user_id=${person.id}`)).body).toEqual({ ended: 3 });
    for (const token of tokens) for (const at of [plane, second]) expect((await me(token, at)).status).toBe(401);
    expect((await end(boss.token, `${ALL}?user_id=${person.id}`)).body).toEqual({ ended: 0 });
    expect((await me(boss.token)).status).toBe(200);
    const rows = await auditRows(plane, `action = 'session.end_all' and resource_id = $1`, [person.id]);
    expect(rows).toMatchObject([
      { actor_id: boss.id, detail: { sessions_ended: 3 } },
      { actor_id: boss.id, detail: { sessions_ended: 0 } },
    ]);
    // The account is not closed by that.
    expect((await login(plane, person.email)).status).toBe(200);
  });

  it("is for administrators, and says the same of another tenant's as of what is not there", async () => {
    const boss = await admin();
    const person = await admin('user', boss.tenantId);
    const other = await admin();
    const { items } = await list(other.token);
    const foreign = items[0]?.id ?? '';
    const comparable = ({ status, body }: ApiResponse): unknown => ({ status, body: { ...body, request_id: null } });
    const absent = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
    for (const path of [OWN, ALL]) expect(comparable(await end(boss.token, `${path}/${foreign}`))).toEqual(comparable(await end(boss.token, `${path}/${absent}`)));
    expect(comparable(await end(boss.token, `${ALL}?user_id=${other.id}`))).toEqual(comparable(await end(boss.token, `${ALL}?user_id=${absent}`)));
    expect((await end(boss.token, `${ALL}/${foreign}`)).status).toBe(404);
    expect((await end(boss.token, ALL)).body).toMatchObject({ status: 400, errors: [{ field: 'user_id' }] });
    expect((await end(person.token, `${ALL}?user_id=${boss.id}`)).body).toMatchObject({ status: 403, code: 'forbidden' });
    const bosses = (await list(boss.token, OWN)).items[0]?.id ?? '';
    expect((await end(person.token, `${ALL}/${bosses}`)).status).toBe(403);
    expect((await end(person.token, `${OWN}/${bosses}`)).status).toBe(404);
    for (const { token } of [boss, other]) expect((await me(token)).status).toBe(200);
  });

  it('lets people end their own on another device', async () => {
    const person = await admin('client');
    const elsewhere = (await login(plane, person.email)).body;
    const { items } = await list(person.token, OWN);
    const lost = items.find(({ current }) => !current)?.id ?? '';
    expect((await end(person.token, `${OWN}/${lost}`)).status).toBe(204);
    expect((await me(elsewhere.access_token, second)).status).toBe(401);
    expect((await me(person.token, second)).status).toBe(200);
  });
});

describe('the age of sessions', () => {
  const policy = (token: string, session: object): Promise<ApiResponse> => plane.request('PUT', '/api/v1/security', { token, body: { session } });
  const refresh = (refreshToken: string): Promise<ApiResponse> => plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: refreshToken } });

  it('ends those that are too old at once when the policy says so, in every process, open sockets included', async () => {
    const boss = await admin();
    const person = await admin('user', boss.tenantId);
    await setSession(person.id, `created_at = now() - interval '2 hours'`);
    expect((await me(person.token, second)).status).toBe(200);
    const socket = await follow(second, person.token, 'task.*');
    await ok(policy(boss.token, { max_age_seconds: 3_600, idle_seconds: 3_600 }));
    expect((await me(person.token)).status).toBe(401);
    expect((await me(person.token, second)).status).toBe(401);
    expect((await socket.end()).code).toBe(4401);
    expect((await refresh(person.refreshToken)).body).toMatchObject({ code: 'token_expired' });
    expect((await list(boss.token)).items.map(({ user_id: id }) => id)).toEqual([boss.id]);
    expect((await me((await login(plane, person.email)).body.access_token)).status).toBe(200);
  });

  it('ends those that were not used for too long, and a refresh counts as use', async () => {
    const boss = await admin();
    const person = await admin('user', boss.tenantId);
    const busy = await admin('user', boss.tenantId);
    await ok(policy(boss.token, { idle_seconds: 600 }));
    for (const { id } of [person, busy]) await setSession(id, `last_used_at = now() - interval '9 minutes'`);
    expect((await refresh(busy.refreshToken)).status).toBe(200);
    await withAdmin(
      (client) => client.query(`update sessions set last_used_at = last_used_at - interval '2 minutes' where user_id = any($1)`, [[person.id, busy.id]]),
      plane.database.name,
    );
    expect((await refresh(person.refreshToken)).body).toMatchObject({ code: 'token_expired' });
    expect((await me(person.token)).status).toBe(401);
    expect((await me(busy.token)).status).toBe(200);
  });

  it("leaves other tenants' sessions alone", async () => {
    const boss = await admin();
    const other = await admin();
    await setSession(other.id, `created_at = now() - interval '2 hours'`);
    await ok(policy(boss.token, { max_age_seconds: 300, idle_seconds: 300 }));
    expect((await me(other.token)).status).toBe(200);
  });
});

describe('logout', () => {
  it('ends the session at once, in every process', async () => {
    const user = await createUser(plane);
    expect((await me(user.token, second)).status).toBe(200);
    expect(
      (await plane.request('POST', '/api/v1/auth/logout', { token: user.token, body: { refresh_token: user.refreshToken } })).status,
    ).toBe(204);
    expect((await me(user.token)).status).toBe(401);
    expect((await me(user.token, second)).status).toBe(401);
    expect((await refresh(user.refreshToken)).status).toBe(401);
    expect(await auditRows(plane, `action = 'auth.logout' and actor_id = $1`, [user.id])).toHaveLength(1);
  });

  it("works without a body, leaves other sessions alone, and ends nobody else's", async () => {
    const user = await createUser(plane);
    const other = await createUser(plane);
    const elsewhere = (await login(plane, user.email)).body;
    expect(
      (await plane.request('POST', '/api/v1/auth/logout', { token: user.token, body: { refresh_token: other.refreshToken } })).status,
    ).toBe(204);
    expect((await me(elsewhere.access_token)).status).toBe(200);
    expect((await me(other.token)).status).toBe(200);
    expect((await plane.request('POST', '/api/v1/auth/logout', { token: elsewhere.access_token })).status).toBe(204);
    expect((await me(elsewhere.access_token)).status).toBe(401);
  });

  it("needs credentials that are somebody's", async () => {
    expect((await plane.request('POST', '/api/v1/auth/logout')).status).toBe(401);
    expect((await plane.request('POST', '/api/v1/auth/logout', { token: (await createUser(plane)).token, body: { refresh_token: null } })).status).toBe(400);
    expect((await plane.request('POST', '/api/v1/auth/logout', { token: ADMIN_TOKEN })).body).toMatchObject({
      status: 403,
      code: 'forbidden',
    });
  });
});

describe('a suspended tenant', () => {
  it('has its users refused at once, in every process, at sign-in and at refresh', async () => {
    const tenant = await createTenant(plane);
    const user = await createUser(plane, { tenant: tenant.slug });
    expect((await me(user.token, second)).status).toBe(200);
    await plane.request('POST', `/api/v1/tenants/${tenant.id}/suspend`, { token: ADMIN_TOKEN });
    expect((await me(user.token, second)).body).toMatchObject({ status: 403, code: 'tenant_suspended' });
    expect((await me(user.token)).body).toMatchObject({ status: 403, code: 'tenant_suspended' });
    expect((await refresh(user.refreshToken)).body).toMatchObject({ code: 'tenant_suspended' });
    expect((await login(plane, user.email)).body).toMatchObject({ code: 'tenant_suspended' });
    await plane.request('POST', `/api/v1/tenants/${tenant.id}/resume`, { token: ADMIN_TOKEN });
    expect((await me(user.token, second)).status).toBe(200);
    expect((await refresh(user.refreshToken)).status).toBe(200);
  });
});
