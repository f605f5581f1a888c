import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTenant, createUser, login, ok } from '../support/factories.js';
import { CookieJar } from '../support/oidc-provider.js';
import { ADMIN_TOKEN } from '../support/plane.js';
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
