import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTenant, createUser, login, ok } from '../support/factories.js';
import { CookieJar } from '../support/oidc-provider.js';
import { ADMIN_TOKEN, startPlane } from '../support/plane.js';
import { follow } from '../support/socket.js';
import { addProvider, admin, api, codeIn, comeBack, exchange, open, person, plane, problemOf, signIn, start, startSso, stopSso, tenant } from '../support/sso.js';

beforeAll(startSso);
afterAll(stopSso);

describe('ending all sessions of a person', () => {
  it('ends what was begun with a stolen one: a link to a provider', async () => {
    const provider = await addProvider();
    const victim = await createUser(plane, { tenant: tenant.id });
    const [thief, jar] = [await person(), new CookieJar()];
    const begun = await jar.fetch(`${plane.url}/api/v1/auth/sso/${provider.id}/link`, { method: 'POST', headers: { authorization: `Bearer ${victim.token}`, 'content-type': 'application/json' }, body: '{}' });
    const { authorization_url } = (await begun.json()) as { authorization_url: string };
    const back = await jar.throughProvider(authorization_url, thief);
    await ok(api('DELETE', `/security/sessions?user_id=${victim.id}`, admin.token));
    expect(await problemOf(await jar.fetch(back))).toEqual([401, 'sso_failed']);
    expect(await problemOf(await comeBack(provider, thief))).toEqual([403, 'sso_refused']);
  });

  it('ends sign-ins that have come back and are not exchanged yet', async () => {
    const provider = await addProvider(open);
    const who = await person();
    const { user } = await signIn(provider, who);
    const jar = new CookieJar();
    const code = codeIn(await comeBack(provider, who, jar));
    await ok(api('DELETE', `/security/sessions?user_id=${user.id}`, admin.token));
    expect(await exchange(code, jar)).toMatchObject({ status: 401, body: { code: 'sso_failed' } });
    const { items } = await ok(api<{ items: object[] }>('GET', '/admin/audit?action=auth.sso&outcome=failed', ADMIN_TOKEN));
    expect(items[0]).toMatchObject({ detail: { reason: 'sso_failed' } });
  });
});

describe('groups at a provider', () => {
  it('do not demote the account that breaks the glass, and say so', async () => {
    const own = await createTenant(plane);
    const [breaker, other] = [await createUser(plane, { role: 'admin', tenant: own.id }), await createUser(plane, { role: 'admin', tenant: own.id })];
    const provider = await addProvider({ group_claim: 'groups', role_mappings: [{ group: 'bosses', role: 'admin' }], default_role: 'user' }, breaker.token);
    const who = await person({ groups: [] });
    await ok(api('POST', '/sso/identities', breaker.token, { user_id: breaker.id, provider_id: provider.id, subject: who }));
    await ok(api('PUT', '/security', breaker.token, { sso: { enforced: true, break_glass_user_id: breaker.id } }));
    expect((await signIn(provider, who)).user['role']).toBe('admin');
    const { items } = await ok(api<{ items: object[] }>('GET', '/admin/audit?action=user.keep_role', breaker.token));
    expect(items).toEqual([expect.objectContaining({ resource_id: breaker.id, detail: expect.objectContaining({ wanted: 'user', kept: 'admin', because: 'conflict' }) })]);
    expect((await login(plane, breaker.email)).status).toBe(200);
    expect(other.id).not.toBe(breaker.id);
  });
});

describe('a browser', () => {
  it('ends one of several sign-ins without losing the others', async () => {
    const provider = await addProvider(open);
    const jar = new CookieJar();
    const [first, second] = [codeIn(await comeBack(provider, await person(), jar)), codeIn(await comeBack(provider, await person(), jar))];
    expect((await exchange(first, jar)).status).toBe(200);
    expect((await exchange(second, jar)).status).toBe(200);
  });

  it.each(['[::1', 'a b', 'a:b:c'])('is told that %j is no host', async (host) => {
    const provider = await addProvider();
    const url = new URL(start(provider, '?return_to=/x'));
    const answer = await new Promise<number>((resolve, reject) => {
      const asked = httpRequest({ host: url.hostname, port: url.port, path: url.pathname + url.search, headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('error', reject).end();
    });
    expect(answer).toBe(400);
  });
});

describe('a provider that is down', () => {
  it('is asked once for all who would sign in, and then left alone for a moment', async () => {
    let asked = 0;
    const down = createServer((_request, response) => {
      asked += 1;
      response.writeHead(500).end();
    }).listen(0, '127.0.0.1');
    await once(down, 'listening');
    try {
      const provider = await addProvider({ issuer: `http://127.0.0.1:${(down.address() as AddressInfo).port}` });
      const answers = await Promise.all(Array.from({ length: 20 }, () => new CookieJar().fetch(start(provider))));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
      await new CookieJar().fetch(start(provider));
      expect(asked).toBe(1);
    } finally {
      down.close();
    }
  });
});

describe('signing out', () => {
  it('takes the cookie of a browser away', async () => {
    const provider = await addProvider(open);
    const jar = new CookieJar();
    const code = codeIn(await comeBack(provider, await person(), jar));
    const headers = { 'content-type': 'application/json', origin: plane.url };
    const signedIn = await jar.fetch(`${plane.url}/api/v1/auth/sso/exchange`, { method: 'POST', headers, body: JSON.stringify({ code, session: 'cookie' }) });
    const { csrf_token } = (await signedIn.json()) as { csrf_token: string };
    const out = await jar.fetch(`${plane.url}/api/v1/auth/sso/logout`, { method: 'POST', headers: { ...headers, 'x-csrf-token': csrf_token }, body: '{}' });
    expect(out.status).toBe(200);
    expect(out.headers.getSetCookie()).toContainEqual(expect.stringMatching(/^wheelhouse=; Max-Age=0;/));
  });
});

describe('a sign-in', () => {
  it('is worth nothing in another browser, and the other browser takes nothing away from it', async () => {
    const provider = await addProvider(open);
    const [victim, attacker] = [new CookieJar(), new CookieJar()];
    const callback = await attacker.throughProvider(start(provider), await person());
    expect(await problemOf(await victim.fetch(callback))).toEqual([401, 'sso_failed']);
    expect(await problemOf(await new CookieJar().fetch(callback))).toEqual([401, 'sso_failed']);
    const back = await attacker.fetch(callback);
    expect(back.status).toBe(303);
    const refused = await exchange(codeIn(back), victim);
    expect([refused.status, refused.body.code]).toEqual([401, 'sso_failed']);
    // Who brought it had stolen it: nobody gets anything for it.
    expect((await exchange(codeIn(back), attacker)).status).toBe(401);
  });

  it('comes back once, also of fifty times at once', async () => {
    const provider = await addProvider(open);
    const jar = new CookieJar();
    const callback = await jar.throughProvider(start(provider), await person());
    const answers = await Promise.all(Array.from({ length: 50 }, () => jar.fetch(callback)));
    const good = answers.filter(({ status }) => status === 303);
    expect(good).toHaveLength(1);
    const traded = await Promise.all(Array.from({ length: 50 }, () => exchange(codeIn(good[0]!), jar)));
    expect(traded.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it.each([
    ['another state', (url: URL) => url.searchParams.set('state', 'x'.repeat(43))],
    ['no state', (url: URL) => url.searchParams.delete('state')],
    ['another code', (url: URL) => url.searchParams.set('code', 'x'.repeat(43))],
    ['another issuer', (url: URL) => url.searchParams.set('iss', 'https://evil.example')],
  ])('is refused with %s', async (_what, change) => {
    const provider = await addProvider(open);
    const jar = new CookieJar();
    const url = new URL(await jar.throughProvider(start(provider), await person()));
    change(url);
    expect(await problemOf(await jar.fetch(url.href))).toEqual([401, 'sso_failed']);
  });

  it('is not taken with the code of another sign-in: PKCE and nonce are of one browser', async () => {
    const provider = await addProvider(open);
    const [mine, theirs] = [new CookieJar(), new CookieJar()];
    const [own, stolen] = [new URL(await mine.throughProvider(start(provider), await person())), new URL(await theirs.throughProvider(start(provider), await person()))];
    own.searchParams.set('code', stolen.searchParams.get('code')!);
    expect(await problemOf(await mine.fetch(own.href))).toEqual([401, 'sso_failed']);
  });

  it.each(['https://evil.example/', '//evil.example', '/\\evil.example', 'javascript:alert(1)', 'http://user:password@127.0.0.1/'])('goes on to no %s', async (address) => {
    const provider = await addProvider();
    const response = await new CookieJar().fetch(start(provider, `?return_to=${encodeURIComponent(address)}`));
    expect(response.status).toBe(400);
  });

  it('is refused to a disabled account, from the next step on', async () => {
    const provider = await addProvider(open);
    const who = await person();
    const { user } = await signIn(provider, who);
    const jar = new CookieJar();
    const code = codeIn(await comeBack(provider, who, jar));
    await ok(api('PATCH', `/admin/users/${user.id}`, admin.token, { is_active: false }));
    expect((await exchange(code, jar)).body.code).toBe('sso_failed');
    expect(await problemOf(await comeBack(provider, who))).toEqual([403, 'account_disabled']);
  });

  it('ends with its provider, also for who has come back already', async () => {
    const provider = await addProvider(open);
    const [first, second] = [new CookieJar(), new CookieJar()];
    const code = codeIn(await comeBack(provider, await person(), first));
    const callback = await second.throughProvider(start(provider), await person());
    await ok(api('PATCH', `/sso/providers/${provider.id}`, admin.token, { is_active: false }));
    expect((await exchange(code, first)).body.code).toBe('sso_failed');
    expect(await problemOf(await second.fetch(callback))).toEqual([401, 'sso_failed']);
    expect((await new CookieJar().fetch(start(provider))).status).toBe(404);
  });
});

describe('a provider that is turned off', () => {
  it('takes its sessions with it, at once, in every process, and nobody else\'s', async () => {
    const [provider, other] = [await addProvider(open), await addProvider(open)];
    const [gone, stays, user] = [await signIn(provider, await person()), await signIn(other, await person()), await createUser(plane, { tenant: tenant.id })];
    const second = await startPlane({ database: plane.database });
    try {
      const me = async (token: string): Promise<number[]> => Promise.all([plane, second].map(async (at) => (await at.request('GET', '/api/v1/auth/me', { token })).status));
      expect(await me(gone.access_token)).toEqual([200, 200]);
      const socket = await follow(second, gone.access_token, 'task.*');
      await ok(api('PATCH', `/sso/providers/${provider.id}`, admin.token, { is_active: false }));
      expect((await socket.end()).code).toBe(4401);
      expect(await me(gone.access_token)).toEqual([401, 401]);
      expect((await api('POST', '/auth/refresh', undefined, { refresh_token: gone.refresh_token })).status).toBe(401);
      await ok(api('PATCH', `/sso/providers/${provider.id}`, admin.token, { is_active: true }));
      expect(await me(gone.access_token)).toEqual([401, 401]);
      for (const { token } of [{ token: stays.access_token }, user]) expect(await me(token)).toEqual([200, 200]);
      expect((await api('DELETE', `/sso/providers/${other.id}`, admin.token)).status).toBe(204);
      expect(await me(stays.access_token)).toEqual([401, 401]);
      expect(await me(user.token)).toEqual([200, 200]);
    } finally {
      await second.stop();
    }
  });
});

describe('rules for addresses', () => {
  it('hold on the way back from a provider, and leave a row', async () => {
    const own = await createTenant(plane);
    const boss = await createUser(plane, { role: 'admin', tenant: own.id });
    const provider = await addProvider(open, boss.token);
    const [first, second] = [new CookieJar(), new CookieJar()];
    const code = codeIn(await comeBack(provider, await person(), first));
    const callback = await second.throughProvider(start(provider), await person());
    await ok(api('PUT', '/security/ip-rules', boss.token, { rules: [{ action: 'allow', cidr: '127.0.0.0/8' }] }));
    expect(await exchange(code, first)).toMatchObject({ status: 401, body: { code: 'sso_failed' } });
    expect(await problemOf(await second.fetch(callback))).toEqual([401, 'sso_failed']);
    const { items } = await ok(api<{ items: { detail: { reason: string } }[] }>('GET', '/admin/audit?action=auth.sso&outcome=failed', boss.token));
    expect(items.map(({ detail }) => detail.reason)).toEqual(['address_not_allowed', 'address_not_allowed']);
  });
});

describe('what a provider names', () => {
  it('is called only where requests may go', async () => {
    const other = await startPlane({ database: plane.database });
    try {
      const provider = await addProvider();
      const response = await fetch(`${other.url}/api/v1/auth/sso/${provider.id}/start`, { redirect: 'manual' });
      expect(await problemOf(response)).toEqual([422, 'egress_refused']);
    } finally {
      await other.stop();
    }
  });
});
