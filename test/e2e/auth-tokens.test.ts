import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessTokenKey, SigningKey } from '../../src/identity/sessions/signing-key.js';
import { loadConfig } from '../../src/platform/config/config.js';
import { createUser, type SignedIn } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

const SECRET = 'test-jwt-secret-0123456789abcdef0123456789abcdef';
const KEY = accessTokenKey(SECRET);

let plane: Plane;
let user: SignedIn;
let claims: Record<string, unknown>;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback', JWT_SECRET: SECRET } });
  user = await createUser(plane);
  claims = decode(user.token.split('.')[1] ?? '');
});
afterAll(() => plane.stop());

const decode = (part: string): Record<string, unknown> => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const OURS = { alg: 'HS256', typ: 'at+jwt' };

function forge(header: object, payload: object, key: Buffer | string = KEY): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

const statusOf = async (token: string): Promise<number> =>
  (await plane.request('GET', '/api/v1/auth/me', { token, headers: { 'x-forwarded-for': `10.9.${Math.floor(Math.random() * 250)}.7` } }))
    .status;

describe('access tokens', () => {
  it('carry the user, tenant and session, and no role', () => {
    expect(decode(user.token.split('.')[0] ?? '')).toEqual(OURS);
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'sid', 'sub', 'tid']);
    expect(claims).toMatchObject({ sub: user.id, iss: 'wheelhouse', aud: 'wheelhouse-api' });
  });

  it('made by the same rules are good: what follows differs in one thing each', async () => {
    expect(await statusOf(forge(OURS, claims))).toBe(200);
  });

  it('are refused with another algorithm, type or key', async () => {
    expect(await statusOf(`${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.x`)).toBe(401);
    expect(await statusOf(`${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`)).toBe(401);
    for (const alg of ['HS512', 'HS384', 'hs256', 'NONE', 'RS256', 'ES256'])
      expect(await statusOf(forge({ ...OURS, alg }, claims))).toBe(401);
    for (const typ of ['JWT', 'refresh+jwt', '', undefined]) expect(await statusOf(forge({ ...OURS, typ }, claims))).toBe(401);
    expect(await statusOf(forge(OURS, claims, 'another key of some length, 32 bytes'))).toBe(401);
    expect(await statusOf(forge(OURS, claims, SECRET))).toBe(401);
    expect(await statusOf(forge(OURS, claims, ''))).toBe(401);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const text = `${encode({ ...OURS, alg: 'RS256' })}.${encode(claims)}`;
    expect(await statusOf(`${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`)).toBe(401);
    expect(await statusOf(forge(OURS, claims, publicKey.export({ type: 'spki', format: 'pem' }) as string))).toBe(401);
  });

  it('are refused when they bring a key along', async () => {
    const jwk = { kty: 'oct', k: KEY.toString('base64url') };
    for (const extra of [
      { jwk },
      { jku: 'http://127.0.0.1/keys' },
      { x5u: 'http://127.0.0.1/cert' },
      { kid: '../../dev/null' },
      { crit: ['exp'] },
    ]) {
      expect(await statusOf(forge({ ...OURS, ...extra }, claims))).toBe(401);
    }
  });

  it('are refused for another audience or issuer, without expiry, expired, or not yet valid', async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const wrong of [
      { aud: 'other' },
      { aud: undefined },
      { iss: 'other' },
      { iss: undefined },
      { exp: undefined },
      { exp: 'never' },
      { exp: now - 1 },
      { nbf: now + 600 },
    ]) {
      expect(await statusOf(forge(OURS, { ...claims, ...wrong }))).toBe(401);
    }
    const expired = await plane.request('GET', '/api/v1/auth/me', { token: forge(OURS, { ...claims, exp: now - 1 }) });
    expect(expired.body).toMatchObject({ status: 401, code: 'token_expired' });
  });

  it("are refused when their session is not the user's, or is none", async () => {
    const other = await createUser(plane);
    const theirs = decode(other.token.split('.')[1] ?? '');
    for (const wrong of [
      { sub: other.id },
      { sid: theirs['sid'] },
      { sid: 'x' },
      { sid: undefined },
      { tid: other.id },
      { tid: "' or 1=1" },
      { sub: undefined },
      { sub: { id: 1 } },
    ]) {
      expect(await statusOf(forge(OURS, { ...claims, ...wrong }))).toBe(401);
    }
  });

  it('are refused when they are cut, changed or nonsense', async () => {
    const [header = '', payload = '', signature = ''] = user.token.split('.');
    const changed = `${header}.${encode({ ...claims, role: 'admin' })}.${signature}`;
    for (const token of [user.token.slice(0, -2), changed, `${header}.${payload}.`, 'a.b.c', `${header}..${signature}`, 'e30.e30.e30'])
      expect(await statusOf(token)).toBe(401);
  });
});

describe('the bootstrap token', () => {
  it('is an administrator of the operator tenant, and nothing near it is', async () => {
    expect((await plane.request('GET', '/api/v1/admin/users', { token: ADMIN_TOKEN })).status).toBe(200);
    for (const token of [ADMIN_TOKEN.slice(0, -1), `${ADMIN_TOKEN}x`, ADMIN_TOKEN.toUpperCase()]) {
      expect((await plane.request('GET', '/api/v1/admin/users', { token })).status).toBe(401);
    }
    expect((await plane.request('GET', '/api/v1/admin/users', { headers: { 'x-api-key': ADMIN_TOKEN } })).status).toBe(401);
  });

  it('is refused at start in a form that would be taken for something else', () => {
    for (const token of [
      'tenant:0123456789abcdef0123456789',
      'whk_0123456789abcdef0123456789',
      'aaaaaaaaaa.bbbbbbbbbb.cccccccccc',
      'short',
    ]) {
      expect(() => loadConfig({ ADMIN_TOKEN: token })).toThrow(/ADMIN_TOKEN/);
    }
  });
});

describe('the key', () => {
  it('is made once, kept for its owner alone, and shared by processes of one folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-key-'));
    const config = loadConfig({ WHEELHOUSE_DATA: join(folder, 'data') });
    const first = new SigningKey(config);
    expect(new SigningKey(config).bytes).toEqual(first.bytes);
    const file = join(folder, 'data', 'jwt-secret');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toHaveLength(64);
    expect(() => new SigningKey(loadConfig({ WHEELHOUSE_DATA: file }))).toThrow(/cannot be kept/);
    rmSync(folder, { recursive: true });
  });
});

describe('a changed JWT_SECRET', () => {
  const NEXT = 'the-next-jwt-secret-0123456789abcdef0123456789ab';
  const me = async (on: Plane, token: string): Promise<number> => (await on.request('GET', '/api/v1/auth/me', { token })).status;

  it('still takes the tokens of JWT_SECRET_PREVIOUS, and signs with the new one', async () => {
    const next = await startPlane({ database: plane.database, environment: { JWT_SECRET: NEXT, JWT_SECRET_PREVIOUS: SECRET } });
    try {
      expect(await me(next, user.token)).toBe(200);
      expect(await me(next, forge(OURS, claims, accessTokenKey(NEXT)))).toBe(200);
      expect(await me(next, forge(OURS, { ...claims, aud: 'another' }))).toBe(401);
      expect(await me(next, forge(OURS, claims, accessTokenKey('a third secret that nobody was ever told')))).toBe(401);
      const fresh = (await createUser(next)).token;
      const [head, body, signature] = fresh.split('.');
      expect(signature).toBe(createHmac('sha256', accessTokenKey(NEXT)).update(`${head}.${body}`).digest('base64url'));
      expect(await me(plane, fresh)).toBe(401);
    } finally {
      await next.stop();
    }
  });

  it('takes none of the old tokens without it', async () => {
    const next = await startPlane({ database: plane.database, environment: { JWT_SECRET: NEXT } });
    try {
      expect(await me(next, user.token)).toBe(401);
    } finally {
      await next.stop();
    }
  });

  it('is not accepted too short', () => {
    expect(() => loadConfig({ JWT_SECRET_PREVIOUS: 'short' })).toThrow('JWT_SECRET_PREVIOUS: must have at least 32 characters');
  });
});
