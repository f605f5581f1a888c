import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { createTenant, createUser, login, ok, type SignedIn, unique } from '../support/factories.js';
import { ageSignIn, enableMfa } from '../support/mfa.js';
import { CLIENT, CookieJar } from '../support/oidc-provider.js';
import { ADMIN_TOKEN, startPlane } from '../support/plane.js';
import { follow } from '../support/socket.js';
import { addProvider, admin, api, codeIn, comeBack, exchange, idp, open, person, plane, problemOf, type Provider, signIn, start, startSso, stopSso, tenant } from '../support/sso.js';

beforeAll(startSso);
afterAll(stopSso);

describe('providers', () => {
  it('are made, read, changed and removed, and never show their secret', async () => {
    const made = await addProvider({ group_claim: 'groups', role_mappings: [{ group: 'g', role: 'client' }] });
    expect(made).toMatchObject({ issuer: idp.issuer, has_client_secret: true, scopes: ['openid', 'email', 'profile'], signing_algorithm: 'RS256', create_users: false, default_role: 'user' });
    const changed = await ok(api<Provider>('PATCH', `/sso/providers/${made.id}`, admin.token, { name: 'Other', default_role: null, client_secret: 'another-secret-0123456789' }));
    expect(changed).toMatchObject({ name: 'Other', default_role: null, revision: 2, issuer: idp.issuer });
    const seen = [made, changed, await ok(api('GET', `/sso/providers/${made.id}`, admin.token)), await ok(api('GET', '/sso/providers', admin.token)), await ok(api('GET', '/admin/audit?limit=100', admin.token))];
    for (const secret of [CLIENT.client_secret, 'another-secret-0123456789']) expect(JSON.stringify(seen)).not.toContain(secret);
    const [row] = await plane.app.get(SystemDatabase).query<{ text: string }>('select row_to_json(p)::text as text from sso_providers p where id = $1', [made.id]);
    expect(row!.text).toContain('client_secret');
    expect(row!.text).not.toContain(Buffer.from('another-secret-0123456789').toString('hex'));
    expect((await api('DELETE', `/sso/providers/${made.id}`, admin.token)).status).toBe(204);
    expect((await api('GET', `/sso/providers/${made.id}`, admin.token)).status).toBe(404);
  });

  it.each([
    [{ issuer: 'http://login.example.com' }, 'issuer'],
    [{ issuer: 'https://login.example.com/?a=1' }, 'issuer'],
    [{ issuer: 'file:///etc/passwd' }, 'issuer'],
    [{ create_users: true }, 'allowed_domains'],
    [{ allowed_domains: ['Example.com'] }, 'allowed_domains'],
    [{ allowed_domains: ['*'] }, 'allowed_domains'],
    [{ signing_algorithm: 'none' }, 'signing_algorithm'],
    [{ signing_algorithm: 'HS256' }, 'signing_algorithm'],
    [{ role_mappings: [{ group: 'g', role: 'root' }] }, 'role_mappings.0.role'],
    [{ scopes: ['a b'] }, 'scopes'],
    [{ name: ' ' }, 'name'],
    [{ is_active: null }, 'is_active'],
  ])('are refused with %j', async (fields, field) => {
    const { status, body } = await api<{ errors: { field: string }[] }>('POST', '/sso/providers', admin.token, { name: 'Example', issuer: idp.issuer, ...CLIENT, ...fields });
    expect([status, body.errors[0]?.field]).toEqual([400, field]);
  });

  it("are administrators' alone, of their own tenant", async () => {
    const provider = await addProvider();
    const user = await createUser(plane, { tenant: tenant.id });
    const other = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    expect((await api('POST', '/sso/providers', user.token, { name: 'x', issuer: idp.issuer, ...CLIENT })).status).toBe(403);
    for (const [method, body] of [['GET'], ['PATCH', { name: 'Mine' }], ['DELETE']] as const) expect((await api(method, `/sso/providers/${provider.id}`, other.token, body)).status).toBe(404);
  });

  it('are offered to who is about to sign in, by the slug of the tenant', async () => {
    const provider = await addProvider({ name: 'On the button' });
    const hidden = await addProvider({ is_active: false });
    const { items } = await ok(api<{ items: { id: string }[] }>('GET', `/auth/sso/providers?tenant=${tenant.slug}`));
    expect(items).toContainEqual({ id: provider.id, name: 'On the button', start_url: `/api/v1/auth/sso/${provider.id}/start` });
    expect(items.map(({ id }) => id)).not.toContain(hidden.id);
    expect(await ok(api('GET', '/auth/sso/providers?tenant=nobody-has-this'))).toEqual({ items: [] });
  });
});

describe('a sign-in', () => {
  it('begins with PKCE, a state and a nonce, and a cookie of this browser', async () => {
    const provider = await addProvider();
    const response = await new CookieJar().fetch(start(provider));
    expect(response.status).toBe(302);
    const url = new URL(response.headers.get('location')!);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ client_id: 'wheelhouse', response_type: 'code', scope: 'openid email profile', code_challenge_method: 'S256', redirect_uri: `${plane.url}/api/v1/auth/sso/callback` });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(url.searchParams.get(name)).toMatch(/^[\w-]{43}$/);
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^wheelhouse-sso-[0-9a-f]{12}=[\w-]{43}; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/)]);
  });

  it('over https has a cookie that browsers keep to this host and to https', async () => {
    const provider = await addProvider();
    const response = await new CookieJar().fetch(start(provider), { headers: { 'x-forwarded-proto': 'https' } });
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-wheelhouse-sso-[0-9a-f]{12}=[\w-]{43}; Max-Age=600; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/)]);
    expect(new URL(response.headers.get('location')!).searchParams.get('redirect_uri')).toMatch(/^https:/);
  });

  it('makes an account for who is new, ends with tokens, and finds the account again', async () => {
    const provider = await addProvider(open);
    const who = await person();
    const jar = new CookieJar();
    const back = await comeBack(provider, who, jar, '?return_to=/app');
    expect(back.status).toBe(303);
    expect(back.headers.get('location')).toMatch(new RegExp(`^${plane.url}/app#sso_code=who_\\w+$`));
    const { status, body } = await exchange(codeIn(back), jar);
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ email: `${who}@example.com`, role: 'user', tenant_id: tenant.id, full_name: 'A Person' });
    expect((await api('GET', '/auth/me', body.access_token)).status).toBe(200);
    expect(jar.namesOf(new URL(plane.url).host).filter((name) => name.includes('sso'))).toEqual([]);
    expect((await signIn(provider, who)).user.id).toBe(body.user.id);
    const rows = await ok(api<{ items: { action: string; detail: unknown }[] }>('GET', '/admin/audit?limit=100', admin.token));
    expect(rows.items).toContainEqual(expect.objectContaining({ action: 'auth.login', actor_id: body.user.id, detail: expect.objectContaining({ via: 'sso', amr: ['pwd'] }) }));
    expect(rows.items).toContainEqual(expect.objectContaining({ action: 'sso-identity.create', after: { issuer: idp.issuer, subject: who, user_id: body.user.id } }));
  });

  it('makes one account of many first sign-ins at once', async () => {
    const provider = await addProvider(open);
    const who = await person();
    const jars = Array.from({ length: 8 }, () => new CookieJar());
    const callbacks = await Promise.all(jars.map((jar) => jar.throughProvider(start(provider), who)));
    const answers = await Promise.all(callbacks.map((url, index) => jars[index]!.fetch(url)));
    expect(answers.map(({ status }) => status)).toEqual(jars.map(() => 303));
    const { items } = await ok(api<{ items: object[] }>('GET', `/admin/users?email=${who}@example.com`, admin.token));
    expect(items).toHaveLength(1);
  });

  it('tells the page that waits for it why it failed', async () => {
    const provider = await addProvider(open);
    const jar = new CookieJar();
    const callback = await jar.throughProvider(start(provider, '?return_to=/app'), await person(), 'no');
    expect((await jar.fetch(callback)).headers.get('location')).toBe(`${plane.url}/app#sso_error=sso_failed`);
  });

  it('ends in a cookie when the page asks for one', async () => {
    const provider = await addProvider(open);
    const jar = new CookieJar();
    const code = codeIn(await comeBack(provider, await person(), jar));
    const response = await jar.fetch(`${plane.url}/api/v1/auth/sso/exchange`, { method: 'POST', headers: { 'content-type': 'application/json', origin: plane.url, 'sec-fetch-site': 'same-origin' }, body: JSON.stringify({ code, session: 'cookie' }) });
    const body = (await response.json()) as Record<string, unknown>;
    expect([response.status, body['token_type'], 'access_token' in body]).toEqual([200, 'cookie', false]);
    expect((await jar.fetch(`${plane.url}/api/v1/auth/me`)).status).toBe(200);
  });
});

describe('who gets in', () => {
  it('is never found by the e-mail address', async () => {
    const provider = await addProvider(open);
    const user = await createUser(plane, { tenant: tenant.id, email: `${unique('taken')}@example.com` });
    const who = await person({ email: user.email });
    expect(await problemOf(await comeBack(provider, who))).toEqual([409, 'sso_account_exists']);
    const boss = await person({ email: admin.email });
    expect((await comeBack(provider, boss)).status).toBe(409);
  });

  it.each([
    ['an address that is not verified', { email_verified: false }],
    ['another domain', { email: `${unique('a')}@sub.example.com` }],
    ['no address', { email: undefined }],
  ])('is nobody with %s', async (_what, claims) => {
    const provider = await addProvider(open);
    expect(await problemOf(await comeBack(provider, await person(claims)))).toEqual([403, 'sso_refused']);
  });

  it('is nobody who is new, where accounts are not made', async () => {
    expect(await problemOf(await comeBack(await addProvider(), await person()))).toEqual([403, 'sso_refused']);
  });

  it('is whom an administrator has linked, until the link is removed', async () => {
    const provider = await addProvider();
    const user = await createUser(plane, { tenant: tenant.id });
    const who = await person();
    const identity = await ok(api<{ id: string }>('POST', '/sso/identities', admin.token, { user_id: user.id, provider_id: provider.id, subject: who }));
    expect((await signIn(provider, who)).user.id).toBe(user.id);
    const twice = await api('POST', '/sso/identities', admin.token, { user_id: admin.id, provider_id: provider.id, subject: who });
    expect([twice.status, twice.body['code']]).toEqual([409, 'sso_identity_taken']);
    expect((await api('DELETE', `/sso/identities/${identity.id}`, admin.token)).status).toBe(204);
    expect(await problemOf(await comeBack(provider, who))).toEqual([403, 'sso_refused']);
  });

  it('is who links the provider to the own account, in the same browser', async () => {
    const provider = await addProvider();
    const user = await createUser(plane, { tenant: tenant.id });
    const who = await person();
    const jar = new CookieJar();
    const response = await jar.fetch(`${plane.url}/api/v1/auth/sso/${provider.id}/link`, { method: 'POST', headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' }, body: '{}' });
    const { authorization_url } = (await response.json()) as { authorization_url: string };
    const back = await jar.fetch(await jar.throughProvider(authorization_url, who));
    expect(back.headers.get('location')).toBe('/#sso_linked=true');
    expect((await signIn(provider, who)).user.id).toBe(user.id);
    expect((await api('POST', `/auth/sso/${provider.id}/link`, ADMIN_TOKEN, {})).status).toBe(403);
    const idle = await createUser(plane, { tenant: tenant.id });
    await ageSignIn(plane, idle, 6);
    expect((await api('POST', `/auth/sso/${provider.id}/link`, idle.token, {})).body['code']).toBe('fresh_sign_in_required');
  });
});

describe('the second factor after single sign-on', () => {
  const after = async (boss: SignedIn, after_sso: string, required_roles: string[] = []): Promise<unknown> => ok(api('PUT', '/security', boss.token, { mfa: { after_sso, required_roles } }));

  it('is asked for as the policy says, by what the provider says of the sign-in', async () => {
    const own = await createTenant(plane);
    const boss = await enableMfa(plane, await createUser(plane, { role: 'admin', tenant: own.id }));
    const provider = await addProvider({}, boss.token);
    const user = await enableMfa(plane, await createUser(plane, { tenant: own.id }));
    const [one, two] = [await person({}, ['pwd']), await person({}, ['pwd', 'otp'])];
    for (const subject of [one, two]) await ok(api('POST', '/sso/identities', boss.token, { user_id: user.id, provider_id: provider.id, subject }));
    expect(await signIn(provider, one)).toMatchObject({ mfa_required: true });
    expect((await signIn(provider, two)).access_token).toEqual(expect.any(String));
    await after(boss, 'always');
    for (const who of [one, two]) expect(await signIn(provider, who)).toMatchObject({ mfa_required: true });
  });

  it('is due when the policy asks for it and neither the account nor the provider has it', async () => {
    const own = await createTenant(plane);
    const boss = await enableMfa(plane, await createUser(plane, { role: 'admin', tenant: own.id }));
    const provider = await addProvider(open, boss.token);
    const [one, two] = [await person({}, ['pwd']), await person({}, ['swk', 'face'])];
    await after(boss, 'unless_amr', ['user']);
    expect(await signIn(provider, one)).toMatchObject({ mfa_setup_required: true });
    const { access_token, ...free } = await signIn(provider, two);
    expect(free).not.toHaveProperty('mfa_setup_required');
    expect((await api('GET', '/agents', access_token)).status).toBe(200);
    await after(boss, 'always', ['user']);
    expect((await api('GET', '/agents', access_token)).body['code']).toBe('mfa_setup_required');
    expect(await signIn(provider, two)).toMatchObject({ mfa_setup_required: true });
  });
});

describe('a role', () => {
  const mapped = { ...open, group_claim: 'groups', role_mappings: [{ group: 'bosses', role: 'admin' }, { group: 'staff', role: 'user' }], default_role: null };

  it('follows the groups at each sign-in, and holds for the sessions that are open', async () => {
    const provider = await addProvider(mapped);
    const who = await person({ groups: ['staff', 'bosses'] });
    const first = await signIn(provider, who);
    expect(first.user['role']).toBe('admin');
    expect((await api('GET', '/admin/users', first.access_token)).status).toBe(200);
    await idp.knows(who, { claims: { email: `${who}@example.com`, email_verified: true, groups: ['staff'] } });
    expect((await signIn(provider, who)).user['role']).toBe('user');
    expect((await api('GET', '/admin/users', first.access_token)).status).toBe(403);
  });

  it('is kept by the last administrator, whatever the groups say, with a row that says so', async () => {
    const own = await createTenant(plane);
    const boss = await createUser(plane, { role: 'admin', tenant: own.id });
    const provider = await addProvider({ ...mapped, default_role: 'client' }, boss.token);
    const who = await person({ groups: [] });
    await ok(api('POST', '/sso/identities', boss.token, { user_id: boss.id, provider_id: provider.id, subject: who }));
    expect((await signIn(provider, who)).user['role']).toBe('admin');
    const { items } = await ok(api<{ items: object[] }>('GET', '/admin/audit?action=user.keep_role', boss.token));
    expect(items).toEqual([expect.objectContaining({ resource_id: boss.id, detail: expect.objectContaining({ wanted: 'client', kept: 'admin', because: 'last_admin' }) })]);
  });

  it('is refused to who is in no mapped group', async () => {
    const provider = await addProvider(mapped);
    expect(await problemOf(await comeBack(provider, await person({ groups: ['visitors'] })))).toEqual([403, 'sso_refused']);
    expect(await problemOf(await comeBack(provider, await person()))).toEqual([403, 'sso_refused']);
  });
});

describe('a tenant that asks for single sign-on', () => {
  it('refuses passwords and ends what they opened at once, in every process, but for the account that breaks the glass', async () => {
    const own = await createTenant(plane);
    const [breaker, user] = [await createUser(plane, { role: 'admin', tenant: own.id }), await createUser(plane, { tenant: own.id })];
    const second = await startPlane({ database: plane.database });
    try {
      for (const each of [plane, second]) expect((await login(each, user.email)).status).toBe(200);
      const provider = await addProvider(open, breaker.token);
      const [byPassword, bySso] = [(await login(plane, user.email)).body, await signIn(provider, await person())];
      const socket = await follow(second, byPassword.access_token, 'task.*');
      const stays = await follow(second, bySso.access_token, 'task.*');
      await ok(api('PUT', '/security', breaker.token, { sso: { enforced: true, break_glass_user_id: breaker.id } }));
      expect((await socket.end()).code).toBe(4401);
      await stays.ask({ type: 'ping' }, 'pong');
      stays.socket.close();
      for (const each of [plane, second])
        for (const [token, status] of [[byPassword.access_token, 401], [user.token, 401], [bySso.access_token, 200], [breaker.token, 200]] as const)
          expect((await each.request('GET', '/api/v1/auth/me', { token })).status).toBe(status);
      expect((await api('POST', '/auth/refresh', undefined, { refresh_token: byPassword.refresh_token })).status).toBe(401);
      for (const each of [plane, second]) {
        const refused = await login(each, user.email);
        expect([refused.status, refused.body.code]).toEqual([403, 'sso_required']);
        expect((await login(each, user.email, 'not-the-password')).body.code).toBe('invalid_credentials');
        expect((await login(each, breaker.email)).status).toBe(200);
      }
    } finally {
      await second.stop();
    }
  });
});

describe('somebody who signs in at a provider alone', () => {
  it('has no password and can set none', async () => {
    const provider = await addProvider(open);
    const who = await person();
    const { access_token } = await signIn(provider, who);
    const { status, body } = await api('POST', '/auth/change-password', access_token, { current_password: 'anything-at-all', new_password: 'nine-herons-sing-at-dusk' });
    expect([status, body['code']]).toEqual([403, 'sso_only']);
    expect((await login(plane, `${who}@example.com`)).body.code).toBe('invalid_credentials');
  });

  it('signs out here at once, and is told where to sign out of the provider', async () => {
    const provider = await addProvider(open);
    const jar = new CookieJar();
    const { body } = await exchange(codeIn(await comeBack(provider, await person(), jar)), jar);
    const { logout_url } = await ok(api<{ logout_url: string }>('POST', '/auth/sso/logout', body.access_token, { return_to: '/health' }));
    expect((await api('GET', '/auth/me', body.access_token)).status).toBe(401);
    expect(Object.fromEntries(new URL(logout_url).searchParams)).toMatchObject({ id_token_hint: expect.any(String), post_logout_redirect_uri: `${plane.url}/health` });
    const asked = await jar.fetch(logout_url);
    const [, xsrf] = /name="xsrf" value="(\w+)"/.exec(await asked.text())!;
    const out = await jar.fetch(`${idp.issuer}/session/end/confirm`, { method: 'POST', body: new URLSearchParams({ xsrf: xsrf!, logout: 'yes' }) });
    expect(out.headers.get('location')).toBe(`${plane.url}/health`);
  });
});
