import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { createTenant, createUser, login, ok, PASSWORD, type SignedIn, someAddress, type Tokens } from '../support/factories.js';
import { ageSignIn, codeOf, enableMfa, freshCode, type WithFactor } from '../support/mfa.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { me, plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(startTwo);
afterAll(stopTwo);

type Coded = Tokens & { code?: string; errors?: { field: string }[] };
type Pending = { mfa_required?: true; challenge_token: string; methods: string[]; expires_in: number; access_token?: string };

const post = (path: string, body: unknown, token?: string, at: Plane = plane): Promise<ApiResponse<Coded>> =>
  at.request('POST', `/api/v1/auth/${path}`, { body, ...(token ? { token } : {}), headers: { 'x-forwarded-for': someAddress() } });
const setup = (token: string): Promise<ApiResponse<Coded & { secret: string; otpauth_url: string; qr_code: string }>> =>
  plane.request('POST', '/api/v1/auth/mfa/setup', { token });
const status = async (user: SignedIn): Promise<Record<string, unknown>> => ok(plane.request('GET', '/api/v1/auth/mfa', { token: user.token }));

async function challenge(user: SignedIn): Promise<Pending> {
  const { status: answered, body } = await login(plane, user.email);
  expect(answered).toBe(200);
  return body as unknown as Pending;
}
/** So many, some at a time: more sign-ins at once would be taken for guesses. */
async function challenges(user: SignedIn, howMany: number): Promise<Pending[]> {
  const pendings: Pending[] = [];
  while (pendings.length < howMany) pendings.push(...(await Promise.all(Array.from({ length: 5 }, () => challenge(user)))));
  return pendings;
}
const answer = (pending: Pending, body: object, at: Plane = plane): Promise<ApiResponse<Coded>> =>
  post('mfa/challenge', { challenge_token: pending.challenge_token, ...body }, undefined, at);

const audited = async (action: string, userId: string): Promise<{ outcome: string; detail: Record<string, unknown> | null }[]> =>
  (await auditRows(plane, 'action = $1 and (resource_id = $2 or actor_id = $2)', [action, userId])).map(({ outcome, detail }) => ({ outcome, detail }));

const withFactor = async (role: 'admin' | 'user' = 'user', tenant?: string): Promise<WithFactor> => enableMfa(plane, await createUser(plane, { role, ...(tenant ? { tenant } : {}) }));
const counts = (answers: ApiResponse<Coded>[]): Record<string, number> => {
  const tally: Record<string, number> = {};
  for (const { status: code } of answers) tally[code] = (tally[code] ?? 0) + 1;
  return tally;
};

describe('setting up', () => {
  it('shows secret, address and QR code once, and turns on with the first code', async () => {
    const user = await createUser(plane);
    expect(await status(user)).toEqual({ enabled: false, enabled_at: null, recovery_codes_left: 0, required: false });
    const { status: answered, body } = await setup(user.token);
    expect(answered).toBe(200);
    expect(body.secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(new URL(body.otpauth_url).searchParams.get('secret')).toBe(body.secret);
    const png = Buffer.from(body.qr_code.replace('data:image/png;base64,', ''), 'base64');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect((await login(plane, user.email)).body.access_token).toBeDefined();
    const verified = await post('mfa/verify', { code: codeOf(body.secret) }, user.token);
    expect(verified.status).toBe(200);
    const codes = (verified.body as unknown as { recovery_codes: string[] }).recovery_codes;
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[0-9a-z]{4}(-[0-9a-z]{4}){3}$/);
    expect(await status(user)).toEqual({ enabled: true, enabled_at: expect.any(String) as string, recovery_codes_left: 10, required: false });
    expect(await audited('mfa.enable', user.id)).toEqual([expect.objectContaining({ outcome: 'done' })]);
    expect((await setup(user.token)).body.code).toBe('mfa_enabled');
  });

  it('keeps neither the secret nor a recovery code in readable form', async () => {
    const user = await withFactor();
    const dump = await withAdmin(async (admin) => {
      const tables = await admin.query<{ name: string }>(`select format('%I', tablename) as name from pg_tables where schemaname = 'public'`);
      let text = '';
      for (const { name } of tables.rows) text += JSON.stringify((await admin.query(`select t::text from ${name} t`)).rows);
      return text;
    }, plane.database.name);
    for (const secret of [user.secret, ...user.recoveryCodes]) {
      expect(dump).not.toContain(secret);
      expect(dump).not.toContain(Buffer.from(secret).toString('hex'));
      expect(dump).not.toContain(Buffer.from(secret).toString('base64'));
    }
  });

  it('ends the sessions that were opened without it, in every process, and keeps this one', async () => {
    const user = await createUser(plane);
    const other = (await login(plane, user.email)).body.access_token;
    expect((await me(other, second)).status).toBe(200);
    await enableMfa(plane, user);
    expect([(await me(other)).status, (await me(other, second)).status, (await me(user.token)).status]).toEqual([401, 401, 200]);
  });

  it('turns on once among 50 with one code', async () => {
    const user = await createUser(plane);
    const { secret } = (await setup(user.token)).body;
    const code = codeOf(secret);
    const answers = await Promise.all(Array.from({ length: 50 }, () => post('mfa/verify', { code }, user.token)));
    expect(counts(answers)[200]).toBe(1);
    expect(answers.every(({ status: answered }) => [200, 401, 409, 429].includes(answered))).toBe(true);
    expect(await status(user)).toMatchObject({ enabled: true, recovery_codes_left: 10 });
  });

  it('takes a fresh sign-in, a session, and a code of the last secret', async () => {
    const user = await createUser(plane);
    expect((await post('mfa/verify', { code: '123456' }, user.token)).body.code).toBe('mfa_not_enabled');
    const first = (await setup(user.token)).body.secret;
    await setup(user.token);
    expect((await post('mfa/verify', { code: codeOf(first) }, user.token)).body.code).toBe('mfa_code_invalid');
    expect(await audited('mfa.enable', user.id)).toEqual([expect.objectContaining({ outcome: 'failed' })]);
    await ageSignIn(plane, user, 6);
    const old = (await login(plane, user.email)).body.access_token;
    await ageSignIn(plane, user, 6);
    expect((await setup(old)).body.code).toBe('fresh_sign_in_required');
    expect((await plane.request<Coded>('POST', '/api/v1/auth/mfa/setup', { token: ADMIN_TOKEN })).body.code).toBe('forbidden');
  });

  it.each([['12 456'], [' 123456'], ['12345'], ['1234567'], [123456], [['123456']], [{ a: 1 }], [null], ['１２３４５６'], ['123456\n']])('answers 400 to the code %j', async (code) => {
    const user = await createUser(plane);
    await setup(user.token);
    const answered = await post('mfa/verify', { code }, user.token);
    expect(answered.status).toBe(400);
    expect(answered.body.code).toBe('invalid_request');
  });
});

describe('signing in with a second factor', () => {
  it('asks for it, and opens the session with a code or a recovery code', async () => {
    const user = await withFactor();
    const pending = await challenge(user);
    expect(pending).toEqual({ mfa_required: true, challenge_token: expect.stringMatching(/^whm_/) as string, methods: ['totp', 'recovery_code'], expires_in: 300 });
    const { status: answered, body } = await answer(pending, { code: await freshCode(plane, user) }, second);
    expect(answered).toBe(200);
    expect(body).toMatchObject({ token_type: 'bearer', user: { id: user.id } });
    expect((await me(body.access_token)).status).toBe(200);
    expect((await post('refresh', { refresh_token: body.refresh_token })).status).toBe(200);

    const again = await answer(await challenge(user), { recovery_code: user.recoveryCodes[0]?.toUpperCase() });
    expect(again.status).toBe(200);
    expect(await audited('mfa.use_recovery_code', user.id)).toEqual([expect.objectContaining({ outcome: 'done', detail: { left: 9 } })]);
    expect((await audited('auth.login', user.id)).at(-1)).toMatchObject({ outcome: 'done', detail: { via: 'challenge', amr: ['pwd', 'otp', 'mfa'] } });
    expect((await answer(await challenge(user), { recovery_code: user.recoveryCodes[0] })).body.code).toBe('mfa_code_invalid');
  });

  it('takes a code once, though 50 bring it at the same moment to two processes', async () => {
    const user = await withFactor();
    const pendings = await challenges(user, 50);
    const code = await freshCode(plane, user);
    const answers = await Promise.all(pendings.map((pending, index) => answer(pending, { code }, index % 2 ? second : plane)));
    expect(counts(answers)[200]).toBe(1);
    expect(answers.every(({ status: answered }) => [200, 401, 429].includes(answered))).toBe(true);
    expect((await answer(await challenge(user), { code })).status).not.toBe(200);
  });

  it('takes a recovery code once, though 50 bring it at the same moment to two processes', async () => {
    const user = await withFactor();
    const pendings = await challenges(user, 50);
    const answers = await Promise.all(pendings.map((pending, index) => answer(pending, { recovery_code: user.recoveryCodes[3] }, index % 2 ? second : plane)));
    expect(counts(answers)[200]).toBe(1);
    expect(answers.every(({ status: answered }) => [200, 401, 429].includes(answered))).toBe(true);
  });

  it('takes a challenge once, though 50 answer it with good codes at the same moment', async () => {
    const user = await withFactor();
    const pending = await challenge(user);
    const bodies = Array.from({ length: 50 }, (_, index) => ({ recovery_code: user.recoveryCodes[index % 10] }));
    const answers = await Promise.all(bodies.map((body, index) => answer(pending, body, index % 2 ? second : plane)));
    expect(counts(answers)[200]).toBe(1);
    // What did not open a session used no code up.
    expect(await audited('mfa.use_recovery_code', user.id)).toHaveLength(1);
    expect((await answer(pending, { code: await freshCode(plane, user) })).body.code).toBe('mfa_challenge_invalid');
  });

  it('gives a challenge up after five wrong codes, and slows guesses down over all of them', async () => {
    const user = await withFactor();
    const pending = await challenge(user);
    for (let n = 0; n < 5; n += 1) expect((await answer(pending, { code: '000000' })).body.code).toBe('mfa_code_invalid');
    expect((await answer(pending, { code: await freshCode(plane, user) })).body.code).toBe('mfa_challenge_invalid');
    expect((await audited('auth.login', user.id)).filter(({ outcome, detail }) => outcome === 'failed' && detail?.['reason'] === 'wrong_code')).toHaveLength(5);
    const pendings = await challenges(user, 20);
    const codes = (await Promise.all(pendings.map((one) => answer(one, { code: '000000' })))).map(({ body }) => body.code);
    expect(codes.filter((code) => code === 'mfa_code_invalid').length).toBeLessThanOrEqual(8);
    expect(codes).toContain('rate_limited');
    expect((await audited('auth.login', user.id)).at(-1)).toMatchObject({ outcome: 'failed' });
  });

  it('refuses challenges that have expired, are unknown, or whose account is another by now', async () => {
    const expect401 = async (pending: Pending, user: WithFactor, code: string): Promise<void> => expect((await answer(pending, { code: await freshCode(plane, user) })).body.code).toBe(code);
    const user = await withFactor();
    const expired = await challenge(user);
    await withAdmin((admin) => admin.query(`update mfa_challenges set expires_at = now() where user_id = $1`, [user.id]), plane.database.name);
    await expect401(expired, user, 'mfa_challenge_invalid');
    await expect401({ ...expired, challenge_token: `${expired.challenge_token.slice(0, -1)}x` }, user, 'mfa_challenge_invalid');
    const changed = await challenge(user);
    expect((await post('change-password', { current_password: PASSWORD, new_password: 'nine-herons-sleep-till-dawn' }, user.token)).status).toBe(204);
    await expect401(changed, user, 'mfa_challenge_invalid');
    const disabled = await withFactor();
    const left = await challenge(disabled);
    await ok(plane.request('PATCH', `/api/v1/admin/users/${disabled.id}`, { token: ADMIN_TOKEN, body: { is_active: false } }));
    await expect401(left, disabled, 'mfa_challenge_invalid');
  });

  it('answers 400 to anything that is no code, and asks for exactly one', async () => {
    const user = await withFactor();
    const pending = await challenge(user);
    for (const code of ['12 456', 123456, ['123456'], null, '12345']) expect((await answer(pending, { code })).status).toBe(400);
    for (const code of ['x', 5, ['a'], null]) expect((await answer(pending, { recovery_code: code })).status).toBe(400);
    expect((await answer(pending, {})).status).toBe(400);
    expect((await answer(pending, { code: '123456', recovery_code: user.recoveryCodes[0] })).status).toBe(400);
    for (const token of [1, ['x'], null]) expect((await post('mfa/challenge', { challenge_token: token, code: '123456' })).status).toBe(400);
  });

  it('opens a cookie session when the first half asked for one, and not for a page of another origin', async () => {
    const user = await withFactor();
    const half = await plane.request<Pending>('POST', '/api/v1/auth/login', { body: { email: user.email, password: PASSWORD, session: 'cookie' }, headers: { 'x-forwarded-for': someAddress() } });
    expect(half.headers.get('set-cookie')).toBeNull();
    const end = (headers: Record<string, string>, code: string): Promise<ApiResponse<Coded>> =>
      plane.request('POST', '/api/v1/auth/mfa/challenge', { body: { challenge_token: half.body.challenge_token, code }, headers: { 'x-forwarded-for': someAddress(), ...headers } });
    const code = await freshCode(plane, user);
    expect((await end({ origin: 'https://evil.example' }, code)).body.code).toBe('csrf_failed');
    const { status: answered, headers, body } = await end({}, code);
    expect(answered).toBe(200);
    expect(headers.get('set-cookie')).toContain('wheelhouse');
    expect(body.access_token).toBeUndefined();
  });
});

describe('guessing codes', () => {
  it('ends after a hundred in a row, whatever the policy says of waiting; a recovery code begins anew', async () => {
    const user = await withFactor();
    const tried = (n: number) => withAdmin((admin) => admin.query('update user_mfa set codes_tried = $2 where user_id = $1', [user.id, n]), plane.database.name);
    await tried(99);
    expect((await answer(await challenge(user), { code: '000000' })).body.code).toBe('mfa_code_invalid');
    expect((await answer(await challenge(user), { code: await freshCode(plane, user) })).body).toMatchObject({ status: 403, code: 'mfa_codes_exhausted', limit: 100 });
    expect((await answer(await challenge(user), { recovery_code: user.recoveryCodes[0] as string })).status).toBe(200);
    expect((await answer(await challenge(user), { code: await freshCode(plane, user) })).status).toBe(200);
    await tried(50);
    expect((await answer(await challenge(user), { code: await freshCode(plane, user) })).status).toBe(200);
    const { rows } = await withAdmin((admin) => admin.query<{ codes_tried: number }>('select codes_tried from user_mfa where user_id = $1', [user.id]), plane.database.name);
    expect(rows[0]?.codes_tried).toBe(0);
  });
});

describe('recovery codes', () => {
  it('can be made anew with a fresh sign-in; the old ones end', async () => {
    const user = await withFactor();
    await ageSignIn(plane, user, 6);
    const { access_token: token } = (await answer(await challenge(user), { code: await freshCode(plane, user) })).body;
    const anew = await post('mfa/recovery-codes', {}, token);
    expect(anew.status).toBe(200);
    const codes = (anew.body as unknown as { recovery_codes: string[] }).recovery_codes;
    expect(codes).toHaveLength(10);
    expect((await answer(await challenge(user), { recovery_code: user.recoveryCodes[0] })).body.code).toBe('mfa_code_invalid');
    expect((await answer(await challenge(user), { recovery_code: codes[0] })).status).toBe(200);
    expect(await audited('mfa.renew_recovery_codes', user.id)).toHaveLength(1);
    await ageSignIn(plane, user, 6);
    await ok(post('mfa/challenge', { challenge_token: (await challenge(user)).challenge_token, code: await freshCode(plane, user) }));
    expect((await post('mfa/recovery-codes', {}, (await createUser(plane)).token)).body.code).toBe('mfa_not_enabled');
  });
});

describe('turning it off', () => {
  it('takes the password and a code', async () => {
    const user = await withFactor();
    const code = await freshCode(plane, user);
    expect((await post('mfa/disable', { password: 'not the password', code }, user.token)).body.code).toBe('invalid_credentials');
    expect((await post('mfa/disable', { password: PASSWORD, code: '000000' }, user.token)).body.code).toBe('mfa_code_invalid');
    expect((await post('mfa/disable', { password: PASSWORD }, user.token)).status).toBe(400);
    expect((await audited('mfa.disable', user.id)).map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    const pending = await challenge(user);
    expect((await post('mfa/disable', { password: PASSWORD, code }, user.token)).status).toBe(204);
    expect((await audited('mfa.disable', user.id)).at(-1)).toMatchObject({ outcome: 'done' });
    expect((await answer(pending, { code: codeOf(user.secret, 1) })).body.code).toBe('mfa_challenge_invalid');
    expect((await login(plane, user.email)).body.access_token).toBeDefined();
    expect((await post('mfa/disable', { password: PASSWORD, code }, user.token)).body.code).toBe('mfa_not_enabled');
  });

  it('is an administrator\'s to do for who lost the device, and ends that person\'s sessions in every process', async () => {
    const tenant = await createTenant(plane);
    const admin = await createUser(plane, { role: 'admin', tenant: tenant.slug });
    const lost = await withFactor('user', tenant.slug);
    const reset = (token: string, id: string, at = plane): Promise<ApiResponse<Coded>> => at.request('DELETE', `/api/v1/admin/users/${id}/mfa`, { token });
    const stranger = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug });
    expect((await reset(stranger.token, lost.id)).status).toBe(404);
    expect((await reset(lost.token, lost.id)).body.code).toBe('forbidden');
    expect((await me(lost.token, second)).status).toBe(200);
    expect((await reset(admin.token, lost.id)).status).toBe(204);
    expect([(await me(lost.token)).status, (await me(lost.token, second)).status]).toEqual([401, 401]);
    expect((await login(plane, lost.email)).body.access_token).toBeDefined();
    expect(await audited('mfa.reset', lost.id)).toEqual([expect.objectContaining({ outcome: 'done' })]);
    expect((await reset(admin.token, lost.id)).body.code).toBe('mfa_not_enabled');
    const own = await enableMfa(plane, admin);
    expect((await reset(own.token, own.id)).body.code).toBe('forbidden');
    expect((await reset(ADMIN_TOKEN, own.id)).status).toBe(404);
    expect((await plane.request('DELETE', `/api/v1/admin/users/${own.id}/mfa?tenant_id=${tenant.slug}`, { token: ADMIN_TOKEN })).status).toBe(204);
  });
});
