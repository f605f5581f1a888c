import { randomBytes } from 'node:crypto';
import { Passwords } from '../../src/platform/crypto/passwords.js';
import { auditRows } from '../support/audit-rows.js';
import { withAdmin } from '../support/databases.js';
import { createUser, login, PASSWORD, someAddress, type Tokens, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from '../support/plane.js';
import { me, plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(() => startTwo({}, { REGISTRATION: 'false' }));
afterAll(stopTwo);

const refresh = (refreshToken: string, headers: Record<string, string> = {}): Promise<ApiResponse<Tokens & { code?: string }>> =>
  plane.request('POST', '/api/v1/auth/refresh', {
    body: { refresh_token: refreshToken },
    headers: { 'x-forwarded-for': someAddress(), ...headers },
  });

const inDatabase = (text: string): Promise<unknown> => withAdmin((admin) => admin.query(text), plane.database.name);

/** Rows of the audit log, read behind the API. */
const audited = async (action: string, who: string): Promise<{ outcome: string; detail: Record<string, unknown> | null; tenant_id: string }[]> =>
  (await auditRows(plane, 'action = $1', [action]))
    .filter(({ actor_id, resource_id, detail }) => actor_id === who || resource_id === who || detail?.['email'] === who)
    .map(({ outcome, detail, tenant_id }) => ({ outcome, detail, tenant_id }));

describe('login', () => {
  it('answers tokens and the user, and leaves an audit row', async () => {
    const user = await createUser(plane, { role: 'admin' });
    const answer = await login(plane, ` ${user.email.toUpperCase()} `);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ token_type: 'bearer', expires_in: 900, user: { id: user.id, email: user.email, role: 'admin' } });
    expect(answer.body.access_token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(JSON.stringify(answer.body)).not.toMatch(/password|hash/);
    expect(await audited('auth.login', user.id)).toEqual([
      expect.objectContaining({ outcome: 'done' }),
      expect.objectContaining({ outcome: 'done' }),
    ]);
    expect((await me(answer.body.access_token)).body).toMatchObject({ id: user.id, full_name: 'A Person' });
  });

  it('says the same of an unknown account and a wrong password, and hashes for both', async () => {
    const user = await createUser(plane);
    const verify = jest.spyOn(plane.app.get(Passwords), 'verify');
    const wrong = await login(plane, user.email, 'not the password at all');
    const unknown = await login(plane, `${unique('nobody')}@example.com`, 'not the password at all');
    expect(verify.mock.calls.map(([stored]) => typeof stored)).toEqual(['string', 'undefined']);
    verify.mockRestore();
    const comparable = ({ status, body }: ApiResponse<object>): unknown => ({ status, body: { ...body, request_id: null } });
    expect(comparable(unknown)).toEqual(comparable(wrong));
    expect(wrong.body).toMatchObject({ status: 401, code: 'invalid_credentials' });
    expect((await audited('auth.login', user.id)).at(-1)).toMatchObject({ outcome: 'failed', detail: { reason: 'wrong_credentials' } });
  });

  it('slows guesses down, for known and unknown accounts alike, also when 50 come at once', async () => {
    const user = await createUser(plane);
    // The wait after the tenth is a second: however slow this machine is, it is not over before the fiftieth.
    await inDatabase(`create function longer() returns trigger language plpgsql as $$ begin new.locked_until := new.locked_until + interval '50 s'; return new; end $$;
      create trigger longer before insert or update on sign_in_attempts for each row execute function longer()`);
    const guess = async (email: string, address: string): Promise<string[]> => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => login(plane, email, 'wrong password here', address)));
      return answers.map(({ body }) => body.code ?? 'in');
    };
    for (const email of [user.email, `${unique('nobody')}@example.com`]) {
      const address = someAddress();
      const codes = await guess(email, address);
      expect(codes.toSorted()).toEqual([...Array.from({ length: 10 }, () => 'invalid_credentials'), ...Array.from({ length: 40 }, () => 'rate_limited')]);
      const refused = await login(plane, email, PASSWORD, address);
      expect(refused.body).toMatchObject({ status: 429, code: 'rate_limited' });
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
    await inDatabase('drop trigger longer on sign_in_attempts');
  });

  it('lets the person in from an address of before while others guess from elsewhere', async () => {
    const user = await createUser(plane);
    const home = someAddress();
    expect((await login(plane, user.email, PASSWORD, home)).status).toBe(200);
    await Promise.all(Array.from({ length: 15 }, () => login(plane, user.email, 'wrong password here')));
    for (let n = 0; n < 3; n += 1) expect((await login(plane, user.email, 'wrong password here', home)).status).toBe(401);
    expect((await login(plane, user.email, PASSWORD, home)).status).toBe(200);
  });

  it('slows down who guesses from many networks to one attempt for each, and keeps nobody else out', async () => {
    const user = await createUser(plane);
    const network = (n: number): string => `2001:db8:${randomBytes(2).toString('hex')}:${n}`;
    // A network is a /64: whoever has one has all of its addresses.
    const networks = Array.from({ length: 12 }, (_, n) => network(n));
    for (const at of networks) expect((await login(plane, user.email, 'wrong password here', `${at}::1`)).status).toBe(401);
    let running = true;
    const attack = (async () => {
      const seen = new Set<number>();
      for (let n = 0; running; n += 1) seen.add((await login(plane, user.email, 'wrong password here', `${networks[11 - (n % 2)]}::${n + 2}`)).status);
      return seen;
    })();
    const answers: number[] = [];
    for (let n = 0; n < 3; n += 1) answers.push((await login(second, user.email, 'wrong password here', `${network(99)}::${n}`)).status);
    expect(answers).toEqual([401, 401, 401]);
    const elsewhere = `${network(100)}::1`;
    expect((await login(second, user.email, 'wrong password here', elsewhere)).status).toBe(401);
    expect((await login(second, user.email, PASSWORD, elsewhere.replace('::1', '::2'))).status).toBe(429);
    // The right password comes from yet another place, while the guessing goes on.
    expect((await login(second, user.email, PASSWORD, `${network(101)}::1`)).status).toBe(200);
    running = false;
    expect(await attack).toContain(429);
  });

  it('limits attempts by address', async () => {
    const address = someAddress();
    const answers = await Promise.all(Array.from({ length: 35 }, () => login(plane, `${unique('x')}@example.com`, PASSWORD, address)));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited).toHaveLength(5);
    expect(limited[0]?.headers.get('retry-after')).not.toBeNull();
  });

  it.each([
    ['an e-mail that is an object', { email: { $gt: '' }, password: PASSWORD }],
    ['a password that is an array', { email: 'a@example.com', password: [PASSWORD] }],
    ['no password', { email: 'a@example.com' }],
    ['an unknown field', { email: 'a@example.com', password: PASSWORD, role: 'admin' }],
    ['a long password', { email: 'a@example.com', password: 'x'.repeat(513) }],
  ])('refuses %s', async (_, body) => {
    const answer = await plane.request('POST', '/api/v1/auth/login', { body, headers: { 'x-forwarded-for': someAddress() } });
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it('says nothing of a disabled account until the password is right', async () => {
    const user = await createUser(plane);
    await plane.request('DELETE', `/api/v1/admin/users/${user.id}`, { token: ADMIN_TOKEN });
    expect((await login(plane, user.email, 'wrong password here')).body).toMatchObject({ code: 'invalid_credentials' });
    expect((await login(plane, user.email)).body).toMatchObject({ status: 403, code: 'account_disabled' });
  });
});

describe('register', () => {
  const register = (body: object, at: Plane = plane): Promise<ApiResponse> =>
    at.request('POST', '/api/v1/auth/register', { body, headers: { 'x-forwarded-for': someAddress() } });

  it('makes a user of the default tenant, without tokens', async () => {
    const email = `${unique('new')}@example.com`;
    const answer = await register({ email, password: PASSWORD, full_name: 'New' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ email, role: 'user', tenant_id: '00000000-0000-7000-8000-000000000001' });
    expect(answer.body).not.toHaveProperty('access_token');
    expect((await register({ email: email.toUpperCase(), password: PASSWORD, full_name: 'New' })).body).toMatchObject({
      status: 409,
      code: 'email_taken',
    });
    expect((await login(plane, email)).status).toBe(200);
  });

  it('takes no role, and one address once among 50', async () => {
    expect((await register({ email: 'x@example.com', password: PASSWORD, full_name: 'X', role: 'admin' })).body).toMatchObject({
      status: 400,
      errors: [{ field: 'role', code: 'unknown_field' }],
    });
    const email = `${unique('race')}@example.com`;
    const answers = await Promise.all(Array.from({ length: 50 }, () => register({ email, password: PASSWORD, full_name: 'R' })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ body }) => body['code'] === 'email_taken')).toHaveLength(49);
  });

  it.each(['short', 'password123', 'qwertyuiop', 'aaaaaaaaaaaa', 'abcdefghij', '12345678', 'x'.repeat(257)])(
    'refuses the password %s',
    async (password) => {
      const answer = await register({ email: `${unique('weak')}@example.com`, password, full_name: 'W' });
      expect(answer.body).toMatchObject({ status: 400, code: 'weak_password', errors: [{ field: 'password' }] });
    },
  );

  it('can be switched off', async () => {
    expect((await register({ email: 'y@example.com', password: PASSWORD, full_name: 'Y' }, second)).body).toMatchObject({
      status: 403,
      code: 'registration_disabled',
    });
  });
});

describe('refresh', () => {
  it('rotates, and ends the family in every process when a spent token comes back', async () => {
    const user = await createUser(plane);
    const next = await refresh(user.refreshToken);
    expect(next.status).toBe(200);
    expect(next.body.user.id).toBe(user.id);
    expect(next.body.refresh_token).not.toBe(user.refreshToken);
    expect((await me(next.body.access_token)).status).toBe(200);
    expect((await me(next.body.access_token, second)).status).toBe(200);

    expect((await refresh(user.refreshToken)).body).toMatchObject({ status: 401, code: 'refresh_token_reused' });
    expect((await me(next.body.access_token)).status).toBe(401);
    expect((await me(next.body.access_token, second)).status).toBe(401);
    expect((await refresh(next.body.refresh_token)).status).toBe(401);
    expect(await audited('session.end', 'anonymous')).toEqual([
      expect.objectContaining({ detail: { reason: 'refresh_reused', user_id: user.id } }),
    ]);
  });

  it('lets one of 50 with the same token win, and ends the family with it', async () => {
    const user = await createUser(plane);
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(user.refreshToken)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'refresh_token_reused')).toHaveLength(49);
    expect((await me(won[0]?.body.access_token ?? '')).status).toBe(401);
    expect((await refresh(won[0]?.body.refresh_token ?? '')).status).toBe(401);
  });

  it('answers a repeated request with one Idempotency-Key once more, and ends nothing', async () => {
    const user = await createUser(plane);
    const key = { 'idempotency-key': unique('refresh') };
    const first = await refresh(user.refreshToken, key);
    const again = await refresh(user.refreshToken, key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toEqual(first.body);
    expect((await me(first.body.access_token)).status).toBe(200);
  });

  it.each(['', 'whr_nonsense', 'x'.repeat(200), `whr_${'0'.repeat(39)}`])('refuses %p', async (token) => {
    expect((await refresh(token)).status).toBe(401);
  });

  it("refuses an expired session, by the database's clock", async () => {
    const user = await createUser(plane);
    await withAdmin(
      (admin) => admin.query(`update sessions set expires_at = now() - interval '1 s' where user_id = $1`, [user.id]),
      plane.database.name,
    );
    expect((await refresh(user.refreshToken)).body).toMatchObject({ status: 401, code: 'token_expired' });
    expect((await me(user.token)).status).toBe(401);
  });
});

describe('change-password', () => {
  const change = (token: string, body: object): Promise<ApiResponse> =>
    plane.request('POST', '/api/v1/auth/change-password', { token, body, headers: { 'x-forwarded-for': someAddress() } });

  it('takes the current password and ends all other sessions, in every process', async () => {
    const user = await createUser(plane);
    const other = (await login(plane, user.email)).body;
    expect((await me(other.access_token, second)).status).toBe(200);
    expect(
      (await change(user.token, { current_password: 'wrong password here', new_password: 'nine-herons-sleep-till-dawn' })).body,
    ).toMatchObject({ status: 401, code: 'invalid_credentials' });
    expect((await change(user.token, { current_password: PASSWORD, new_password: PASSWORD })).body).toMatchObject({
      code: 'weak_password',
      errors: [{ field: 'new_password', code: 'unchanged' }],
    });
    expect((await change(user.token, { current_password: PASSWORD, new_password: 'nine-herons-sleep-till-dawn' })).status).toBe(204);
    expect((await me(user.token)).status).toBe(200);
    expect((await me(other.access_token)).status).toBe(401);
    expect((await me(other.access_token, second)).status).toBe(401);
    expect((await refresh(other.refresh_token)).status).toBe(401);
    expect((await login(plane, user.email)).status).toBe(401);
    expect((await login(plane, user.email, 'nine-herons-sleep-till-dawn')).status).toBe(200);
  });

  it('ends hundreds of sessions as well as one', async () => {
    const user = await createUser(plane);
    await withAdmin(
      (admin) =>
        admin.query(
          `insert into sessions (tenant_id, id, user_id, refresh_hash, expires_at)
           select tenant_id, gen_random_uuid(), id, sha256(gen_random_uuid()::text::bytea), now() + interval '1 day' from users, generate_series(1, 450) where id = $1`,
          [user.id],
        ),
      plane.database.name,
    );
    expect((await change(user.token, { current_password: PASSWORD, new_password: 'nine-herons-sleep-till-dawn' })).status).toBe(204);
    expect((await audited('user.change_password', user.id)).at(-1)).toMatchObject({ detail: { sessions_ended: 450 } });
    expect((await me(user.token)).status).toBe(200);
  });

  it('slows guesses at the current password down', async () => {
    const user = await createUser(plane);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        change(user.token, { current_password: 'wrong password here', new_password: 'nine-herons-sleep-till-dawn' }),
      ),
    );
    expect(answers.some(({ status }) => status === 429)).toBe(true);
  });
});
