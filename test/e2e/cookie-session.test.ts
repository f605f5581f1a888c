import { randomUUID } from 'node:crypto';
import { auditRows } from '../support/audit-rows.js';
import { Browser, signedIn } from '../support/browser.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser, login, PASSWORD, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse } from '../support/plane.js';
import { TestSocket } from '../support/socket.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

const ELSEWHERE = 'https://evil.example';
const LISTED = 'https://app.example.com';

beforeAll(() => startTwo({ CORS_ORIGINS: LISTED }));
afterAll(stopTwo);

describe('signing in with a cookie', () => {
  it('sets cookies and shows no token', async () => {
    const user = await createUser(plane);
    const browser = new Browser();
    const { status, body } = await browser.signIn(user.email);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'cookie', user: { id: user.id } });
    expect(Object.keys(body).sort()).toEqual(['csrf_token', 'expires_in', 'token_type', 'user']);
    expect(browser.set).toHaveLength(2);
    const [session = '', csrf = ''] = browser.set;
    expect(session).toMatch(/^wheelhouse=whc_\w+; Max-Age=2592000; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
    expect(csrf).toMatch(/^wheelhouse-csrf=[\w-]{64}; Max-Age=2592000; Path=\/; Expires=[^;]+; SameSite=Strict$/);
    expect(JSON.stringify(body)).not.toContain('whc_');
    expect(body['csrf_token']).toBe(browser.csrf);
    expect((await browser.send('GET', '/auth/me')).body).toMatchObject({ id: user.id });
  });

  it('has a __Host- cookie that is Secure over HTTPS, and takes no other there', async () => {
    const user = await createUser(plane);
    const browser = new Browser();
    browser.headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'wheelhouse.example' };
    expect((await browser.signIn(user.email)).status).toBe(200);
    expect(browser.set[0]).toMatch(/^__Host-wheelhouse=whc_\w+; Max-Age=\d+; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/);
    expect(browser.set[1]).toMatch(/^__Host-wheelhouse-csrf=[\w-]+; .*Secure; SameSite=Strict$/);
    expect((await browser.send('GET', '/auth/me')).status).toBe(200);
    // What a neighbour of the host could have put beside it, in the place of it, or twice.
    const value = browser.cookies.get('__Host-wheelhouse') ?? '';
    for (const cookie of [`wheelhouse=${value}`, `__Host-wheelhouse=${value}; __Host-wheelhouse=${value}`, `__host-wheelhouse=${value}`]) {
      expect((await new Browser().raw('GET', '/auth/me', undefined, { ...browser.headers, cookie })).status).toBe(401);
    }
  });

  it('is refused over plain HTTP beyond the own machine', async () => {
    const user = await createUser(plane);
    const browser = new Browser();
    browser.headers = { 'x-forwarded-host': 'wheelhouse.lan' };
    expect((await browser.signIn(user.email)).body).toMatchObject({ status: 400, errors: [{ field: 'session', code: 'insecure' }] });
    expect(browser.set).toEqual([]);
  });

  it('is refused to a page of another origin, which would sign people in to an account of its own', async () => {
    const user = await createUser(plane);
    for (const headers of [{ origin: ELSEWHERE }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }] as Record<string, string>[]) {
      const browser = new Browser();
      const answer = await browser.raw('POST', '/auth/login', { email: user.email, password: PASSWORD, session: 'cookie' }, headers);
      expect(answer.body).toMatchObject({ status: 403, code: 'csrf_failed' });
      expect(browser.set).toEqual([]);
    }
  });

  it.each(['tokens', '', null, ['cookie']])('refuses the session %j', async (session) => {
    expect((await new Browser().raw('POST', '/auth/login', { email: 'a@example.com', password: PASSWORD, session })).status).toBe(400);
  });

  it('still answers tokens to who asks for none', async () => {
    const user = await createUser(plane);
    const answer = await login(plane, user.email);
    expect(answer.body).toMatchObject({ token_type: 'bearer', expires_in: 900 });
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('an Idempotency-Key', () => {
  it('gives nobody the answer of another browser, and no answer without its cookie', async () => {
    const user = await createUser(plane);
    const browser = new Browser();
    const key = { 'idempotency-key': 'refresh-1', 'sec-fetch-site': 'same-origin' };
    const credentials = { email: user.email, password: PASSWORD, session: 'cookie' };
    expect((await browser.raw('POST', '/auth/login', credentials, key)).status).toBe(200);
    const again = await new Browser().raw('POST', '/auth/login', credentials, key);
    expect([again.status, again.headers.get('idempotency-replayed'), again.headers.getSetCookie().length]).toEqual([200, null, 2]);
    const held = browser.copy();
    expect((await held.send('POST', '/auth/refresh', undefined, key)).status).toBe(200);
    const nobody = await new Browser().raw('POST', '/auth/refresh', undefined, key);
    expect(nobody.status).toBe(400);
    expect(JSON.stringify(nobody.body)).not.toContain(user.email);
  });
});

describe('a write with the cookie', () => {
  const change = (browser: Browser, headers: Record<string, string>): Promise<ApiResponse> =>
    browser.raw('PUT', '/auth/me', { full_name: 'Changed' }, headers);

  it('needs a token of its own session', async () => {
    const { browser } = await signedIn();
    const other = await signedIn();
    const flipped = `${browser.csrf.slice(0, -2)}${browser.csrf.at(-2) === 'A' ? 'B' : 'A'}${browser.csrf.slice(-1)}`;
    const wrong: Record<string, string>[] = [
      {},
      { 'x-csrf-token': '' },
      { 'x-csrf-token': other.browser.csrf },
      { 'x-csrf-token': flipped },
      { 'x-csrf-token': browser.csrf.slice(1) },
      { 'x-csrf-token': browser.cookies.get('wheelhouse') ?? '' },
      { 'x-csrf-token': 'x'.repeat(64) },
    ];
    for (const headers of wrong) expect((await change(browser, headers)).body).toMatchObject({ status: 403, code: 'csrf_failed' });
    expect((await change(browser, { 'x-csrf-token': browser.csrf })).body).toMatchObject({ full_name: 'Changed' });
  });

  it('is refused from another origin, even with the token; the own and the listed ones are let in', async () => {
    const { browser } = await signedIn();
    const token = { 'x-csrf-token': browser.csrf };
    const foreign: Record<string, string>[] = [
      { origin: ELSEWHERE },
      { origin: 'null' },
      { origin: `${plane.url}.evil.example` },
      { origin: plane.url.replace('http:', 'https:') },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: ELSEWHERE, 'sec-fetch-site': 'same-origin' },
    ];
    for (const headers of foreign) expect((await change(browser, { ...token, ...headers })).body).toMatchObject({ status: 403, code: 'csrf_failed' });
    for (const headers of [{ origin: plane.url }, { origin: LISTED, 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-origin' }, {}] as Record<string, string>[]) {
      expect((await change(browser, { ...token, ...headers })).status).toBe(200);
    }
  });

  it('leaves a row of the refusal in the trail', async () => {
    const { browser, id } = await signedIn();
    await change(browser, {});
    const rows = await auditRows(plane, `action = 'access.denied' and actor_id = $1`, [id]);
    expect(rows).toMatchObject([{ detail: { operation: 'updateMe', code: 'csrf_failed' } }]);
  });

  it('reads and streams are refused to pages of other origins, too', async () => {
    const { browser } = await signedIn();
    for (const headers of [{ origin: ELSEWHERE }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[]) {
      expect((await browser.raw('GET', '/auth/me', undefined, headers)).body).toMatchObject({ code: 'csrf_failed' });
      expect((await browser.raw('GET', `/boards/${randomUUID()}/memory/stream`, undefined, headers)).body).toMatchObject({ code: 'csrf_failed' });
    }
    expect((await browser.raw('GET', '/auth/me', undefined, { 'sec-fetch-site': 'none' })).status).toBe(200);
  });

  it('asks no token of who brings a token of another kind: that one counts, and not the cookie', async () => {
    const { browser } = await signedIn();
    const user = await createUser(plane);
    const answer = await browser.raw('PUT', '/auth/me', { full_name: 'Bearer' }, { authorization: `Bearer ${user.token}`, origin: ELSEWHERE });
    expect(answer.body).toMatchObject({ id: user.id, full_name: 'Bearer' });
    expect((await browser.send('GET', '/auth/me', undefined, { 'x-api-key': 'whk_nonsense' })).status).toBe(401);
  });

  it('reaches no further than the role and the tenant', async () => {
    const tenant = await createTenant(plane);
    const { browser } = await signedIn('client', tenant.slug);
    expect((await browser.send('POST', '/agents', { name: unique('agent') })).body).toMatchObject({ status: 403, code: 'forbidden' });
    const admin = await signedIn('admin', tenant.slug);
    const mine = await admin.browser.send('POST', '/agents', { name: unique('agent') });
    expect(mine.status).toBe(201);
    const other = await signedIn('admin', (await createTenant(plane)).slug);
    expect((await other.browser.send('GET', `/agents/${String(mine.body['id'])}`)).status).toBe(404);
  });
});

describe('the cookie', () => {
  it('is worth nothing anywhere else', async () => {
    const { browser } = await signedIn();
    const value = browser.cookies.get('wheelhouse') ?? '';
    expect((await plane.request('GET', '/api/v1/auth/me', { token: value })).status).toBe(401);
    expect((await plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: value } })).status).toBe(401);
    const user = await createUser(plane);
    expect((await new Browser().raw('GET', '/auth/me', undefined, { cookie: `wheelhouse=${user.refreshToken}` })).status).toBe(401);
    expect((await new Browser().raw('GET', '/auth/me', undefined, { cookie: `wheelhouse=${user.token}` })).status).toBe(401);
  });

  it('is renewed without showing it, and the old one is taken for a moment more', async () => {
    const { browser } = await signedIn();
    const old = browser.copy();
    const answer = await browser.send('POST', '/auth/refresh');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ token_type: 'cookie' });
    expect(JSON.stringify(answer.body)).not.toContain('whc_');
    expect(browser.cookie).not.toBe(old.cookie);
    expect((await browser.send('GET', '/auth/me')).status).toBe(200);
    expect((await old.send('PUT', '/auth/me', { full_name: 'Under way' })).status).toBe(200);
    // Another tab that had the old one keeps what the first was given.
    expect((await old.send('POST', '/auth/refresh')).status).toBe(200);
    expect(old.set.map((line) => line.split('=')[0])).toEqual(['wheelhouse-csrf']);
    expect((await browser.send('GET', '/auth/me')).status).toBe(200);
  });

  it('that was spent long ago is refused, and ends the session when someone renews it', async () => {
    const { browser, id } = await signedIn();
    const old = browser.copy();
    await browser.send('POST', '/auth/refresh');
    await withAdmin(
      (client) =>
        client.query(
          `update spent_refresh_tokens set spent_at = now() - interval '61 s' where session_id in (select id from sessions where user_id = $1)`,
          [id],
        ),
      plane.database.name,
    );
    expect((await old.send('GET', '/auth/me')).status).toBe(401);
    expect((await browser.send('GET', '/auth/me')).status).toBe(200);
    expect((await old.send('POST', '/auth/refresh')).body).toMatchObject({ code: 'refresh_token_reused' });
    expect((await browser.send('GET', '/auth/me')).status).toBe(401);
  });

  it('is renewed for one of 50 tabs, and no tab is signed out', async () => {
    const { browser } = await signedIn();
    const tabs = Array.from({ length: 50 }, () => browser.copy());
    const answers = await Promise.all(tabs.map((tab) => tab.send('POST', '/auth/refresh')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(tabs.filter(({ set }) => set.length === 2)).toHaveLength(1);
    const winner = tabs.find(({ set }) => set.length === 2);
    expect((await winner?.send('GET', '/auth/me'))?.status).toBe(200);
  });

  it('is not renewed without its token, nor from another origin, nor without a cookie', async () => {
    const { browser } = await signedIn();
    const before = browser.cookie;
    expect((await browser.raw('POST', '/auth/refresh')).body).toMatchObject({ code: 'csrf_failed' });
    expect((await browser.send('POST', '/auth/refresh', undefined, { origin: ELSEWHERE })).body).toMatchObject({ code: 'csrf_failed' });
    expect((await new Browser().send('POST', '/auth/refresh')).body).toMatchObject({ status: 400, errors: [{ field: 'refresh_token' }] });
    expect(browser.cookie).toBe(before);
    expect((await browser.send('GET', '/auth/me')).status).toBe(200);
  });

  it('is taken away at logout, and refused at once in every process', async () => {
    const { browser } = await signedIn();
    const kept = browser.copy();
    const there = new Browser(second);
    for (const [name, value] of browser.cookies) there.cookies.set(name, value);
    expect((await there.send('GET', '/auth/me')).status).toBe(200);
    expect((await browser.raw('POST', '/auth/logout')).body).toMatchObject({ code: 'csrf_failed' });
    expect((await browser.send('POST', '/auth/logout')).status).toBe(204);
    expect(browser.set.map((line) => line.split(';')[0])).toEqual(['wheelhouse=', 'wheelhouse-csrf=']);
    expect(browser.cookies.size).toBe(0);
    expect((await kept.send('GET', '/auth/me')).status).toBe(401);
    expect((await there.send('GET', '/auth/me')).status).toBe(401);
  });

  it('stops with the account', async () => {
    const { browser, id } = await signedIn();
    await plane.request('DELETE', `/api/v1/admin/users/${id}`, { token: ADMIN_TOKEN });
    expect((await browser.send('GET', '/auth/me')).status).toBe(401);
  });
});

describe('a socket with the cookie', () => {
  const connect = (browser: Browser, headers: Record<string, string> = {}): TestSocket => new TestSocket(plane, '', { headers: { cookie: browser.cookie, ...headers } });

  it('needs no message to be let in, from a page of the own origin', async () => {
    const { browser } = await signedIn('admin');
    const socket = await connect(browser, { origin: plane.url }).opened();
    await socket.next('authenticated');
    await socket.ask({ type: 'subscribe', event: 'agent.*' }, 'subscribed');
    await browser.send('POST', '/auth/logout');
    expect((await socket.end()).code).toBe(4401);
  });

  it.each([{ origin: ELSEWHERE }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[])('is refused with %j', async (headers) => {
    const { browser } = await signedIn();
    const socket = connect(browser, headers);
    expect(await eventually(() => socket.refused)).toBe(403);
  });

  it('is closed for a cookie that holds nothing', async () => {
    const browser = new Browser();
    browser.cookies.set('wheelhouse', 'whc_nonsense');
    expect((await (await connect(browser, { origin: plane.url }).opened()).end()).code).toBe(4401);
  });
});

describe('the documents', () => {
  it('name the cookie, the header, and the refusal', async () => {
    const { body } = await plane.request<{ components: { securitySchemes: Record<string, object> }; paths: Record<string, Record<string, { security: object[]; responses: Record<string, Record<string, string[]>> }>> }>('GET', '/openapi.json');
    expect(body.components.securitySchemes).toMatchObject({ 'session-cookie': { in: 'cookie', name: '__Host-wheelhouse' }, 'csrf-token': { in: 'header', name: 'x-csrf-token' } });
    const { get, put } = body.paths['/api/v1/auth/me'] ?? {};
    expect(get?.security).toContainEqual({ 'session-cookie': [] });
    expect(put?.security).toContainEqual({ 'session-cookie': [], 'csrf-token': [] });
    expect(put?.responses['403']?.['x-problem-codes']).toContain('csrf_failed');
  });

  it('has a page that sends the token along', async () => {
    const page = await fetch(`${plane.url}/docs/swagger-ui-init.js`);
    expect(page.status).toBe(200);
    const script = await page.text();
    expect(script).toContain('requestInterceptor');
    expect(script).toContain("headers['x-csrf-token'] = token");
  });
});
