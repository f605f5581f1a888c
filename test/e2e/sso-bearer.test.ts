import { createHmac, createPublicKey, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { newId } from '../../src/core/ids.js';
import { RATE_LIMITS } from '../../src/platform/limits/rate-limits.js';
import { auditRows } from '../support/audit-rows.js';
import { createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { AUDIENCE, CLIENT, type OidcProvider, startOidcProvider } from '../support/oidc-provider.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

let plane: Plane;
let taker: Plane;
let idp: OidcProvider;
let user: SignedIn;
let identity: { id: string };

const me = async (token: string, target: Plane = taker): Promise<number> => (await target.request('GET', '/api/v1/auth/me', { token })).status;
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as the issuer makes them, changed by the test and signed again with the issuer's own key. */
function token(header: object = {}, claims: object = {}, sign?: (input: string) => string): string {
  const now = Math.floor(Date.now() / 1000);
  const input = `${encode({ alg: 'RS256', typ: 'at+jwt', kid: idp.kid, ...header })}.${encode({ iss: idp.issuer, aud: AUDIENCE, sub: 'machine', iat: now, exp: now + 60, ...claims })}`;
  return `${input}.${(sign ?? signedBy(idp.key))(input)}`;
}
const signedBy = (key: KeyObject) => (input: string) => createSign('RSA-SHA256').update(input).sign(key, 'base64url');

beforeAll(async () => {
  plane = await startPlane();
  idp = await startOidcProvider(plane.url);
  taker = await startPlane({ database: plane.database, environment: { AUTH_MODE: 'oidc', OIDC_ISSUER: idp.issuer, OIDC_AUDIENCE: AUDIENCE, EGRESS_ALLOW: '127.0.0.1' } });
  user = await createUser(plane);
  const provider = await ok(plane.request<{ id: string }>('POST', '/api/v1/sso/providers', { token: ADMIN_TOKEN, body: { name: 'Example', issuer: idp.issuer, ...CLIENT } }));
  identity = await ok(plane.request<{ id: string }>('POST', '/api/v1/sso/identities', { token: ADMIN_TOKEN, body: { user_id: user.id, provider_id: provider.id, subject: 'machine' } }));
});
afterAll(async () => {
  await taker.stop();
  await idp.stop();
  await plane.stop();
});

describe('AUTH_MODE=oidc', () => {
  it("takes the issuer's own token for whom its subject is linked to, beside sessions", async () => {
    const issued = await idp.machineToken();
    const { status, body } = await taker.request('GET', '/api/v1/auth/me', { token: issued });
    expect([status, body['id']]).toEqual([200, user.id]);
    expect(await me(user.token)).toBe(200);
    expect(await me(token())).toBe(200);
    expect((await taker.request('GET', '/api/v1/admin/users', { token: issued })).status).toBe(403);
  });

  it('is off without it', async () => expect(await me(await idp.machineToken(), plane)).toBe(401));

  it.each([
    ['another audience', {}, { aud: 'urn:another:api' }],
    ['no audience', {}, { aud: undefined }],
    ['another issuer', {}, { iss: 'https://evil.example' }],
    ['a subject that is nobody here', {}, { sub: 'nobody' }],
    ['no subject', {}, { sub: undefined }],
    ['no expiry', {}, { exp: undefined }],
    ['its time past', {}, { exp: Math.floor(Date.now() / 1000) - 60 }],
    ['its time to come', {}, { nbf: Math.floor(Date.now() / 1000) + 600 }],
    ['the type of an ID token', { typ: 'JWT' }, {}],
    ['no type', { typ: undefined }, {}],
    ['another algorithm of the same family', { alg: 'RS512' }, {}],
    ['a key of its own', { jwk: { kty: 'RSA' } }, {}],
    ['an address of keys', { jku: 'http://127.0.0.1:1/keys' }, {}],
    ['a certificate', { x5c: ['MII'] }, {}],
    ['an address of a certificate', { x5u: 'http://127.0.0.1:1/' }, {}],
    ['something critical', { crit: ['exp'] }, {}],
    ['an unknown key', { kid: 'another' }, {}],
  ])('refuses a token with %s', async (_what, header, claims) => expect(await me(token(header, claims))).toBe(401));

  it('refuses a signature that is none, a stranger’s, or made with the public key as a secret', async () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const secret = createPublicKey(idp.key).export({ format: 'pem', type: 'spki' });
    expect(await me(token({}, {}, signedBy(stranger)))).toBe(401);
    expect(await me(token({ alg: 'none' }, {}, () => 'AA'))).toBe(401);
    expect(await me(token({ alg: 'HS256' }, {}, (input) => createHmac('sha256', secret).update(input).digest('base64url')))).toBe(401);
    const [head, , tail] = token().split('.');
    expect(await me(`${head}.${encode({ iss: idp.issuer, aud: AUDIENCE, sub: 'machine', exp: 9e9, iat: 1 })}.${tail}`)).toBe(401);
  });

  it('is no session: a fresh sign-in is not what it stands for, and signing out with it ends nothing', async () => {
    expect((await taker.request('POST', '/api/v1/auth/logout', { token: token(), body: {} })).status).toBe(204);
    expect(await me(token())).toBe(200);
    expect(await me(user.token)).toBe(200);
  });

  it('asks for the second factor that the tenant asks for', async () => {
    const policy = (required_roles: string[], after_sso: string) => ok(plane.request('PUT', '/api/v1/security', { token: ADMIN_TOKEN, body: { mfa: { required_roles, after_sso } } }));
    await policy(['user'], 'unless_amr');
    const began = newId();
    const { status, body } = await taker.request('GET', '/api/v1/auth/me', { token: token() });
    expect([status, body['code']]).toEqual([403, 'second_factor_missing']);
    expect(await auditRows(plane, `action = 'access.denied' and outcome = 'denied' and actor_id = $1 and id > $2`, [user.id, began])).toMatchObject([{ detail: { code: 'second_factor_missing' } }]);
    expect(await me(token({}, { amr: ['pwd', 'otp'] }))).toBe(200);
    await policy(['user'], 'always');
    // The person is known: that is no guess, and counts as none.
    const answers = await Promise.all(Array.from({ length: RATE_LIMITS.auth.points + 1 }, () => me(token({}, { amr: ['pwd', 'otp'] }))));
    expect(new Set(answers)).toEqual(new Set([403]));
    await policy([], 'unless_amr');
    expect(await me(token())).toBe(200);
  });

  it('is refused from the next request on when the account is disabled, or the subject unlinked, at another process', async () => {
    const issued = await idp.machineToken();
    expect(await me(issued)).toBe(200);
    await ok(plane.request('PATCH', `/api/v1/admin/users/${user.id}`, { token: ADMIN_TOKEN, body: { is_active: false } }));
    expect(await me(issued)).toBe(403);
    await ok(plane.request('PATCH', `/api/v1/admin/users/${user.id}`, { token: ADMIN_TOKEN, body: { is_active: true } }));
    expect(await me(issued)).toBe(200);
    expect((await plane.request('DELETE', `/api/v1/sso/identities/${identity.id}`, { token: ADMIN_TOKEN })).status).toBe(204);
    expect(await me(issued)).toBe(401);
  });

  it("takes nothing on the word of another tenant's administrator", async () => {
    const other = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: other.id });
    const provider = await ok(plane.request<{ id: string }>('POST', '/api/v1/sso/providers', { token: admin.token, body: { name: 'Mine', issuer: idp.issuer, ...CLIENT } }));
    await ok(plane.request('POST', '/api/v1/sso/identities', { token: admin.token, body: { user_id: admin.id, provider_id: provider.id, subject: 'machine' } }));
    expect(await me(token())).toBe(401);
  });

  it('says that the issuer is away, when it is', async () => {
    const away = await startPlane({ database: plane.database, environment: { AUTH_MODE: 'oidc', OIDC_ISSUER: idp.issuer, OIDC_AUDIENCE: AUDIENCE } });
    try {
      const { status, body } = await away.request('GET', '/api/v1/auth/me', { token: token() });
      expect([status, body['code']]).toEqual([503, 'unavailable']);
      expect(await me((await createUser(plane)).token, away)).toBe(200);
    } finally {
      await away.stop();
    }
  });
});
