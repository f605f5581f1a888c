import pg from 'pg';
import { Passwords } from '../../src/platform/crypto/passwords.js';
import { withAdmin } from '../support/databases.js';
import { createTenant, createUser, login, ok, PASSWORD, type SignedIn, someAddress, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';
import { follow } from '../support/socket.js';

const SETUP_TOKEN = 'setup-token-0123456789abcdef';

let plane: Plane;
let second: Plane;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback', SETUP_TOKEN } });
  second = await startPlane({ database: plane.database, environment: { TRUST_PROXY: 'loopback', SETUP_TOKEN } });
});
afterAll(async () => {
  await second.stop();
  await plane.stop();
});

async function tenantAdmin(): Promise<SignedIn> {
  const tenant = await createTenant(plane);
  return createUser(plane, { tenant: tenant.slug, role: 'admin' });
}
const policy = (token: string, body: object): Promise<unknown> => ok(plane.request('PUT', '/api/v1/security/password-policy', { token, body }));
const change = (token: string, current: string, next: string, at = plane): Promise<ApiResponse> =>
  at.request('POST', '/api/v1/auth/change-password', {
    token,
    body: { current_password: current, new_password: next },
    headers: { 'x-forwarded-for': someAddress() },
  });
const lockout = (token: string, body: object): Promise<unknown> => ok(plane.request('PUT', '/api/v1/security', { token, body: { lockout: body } }));

const WORDS = ['herons', 'badgers', 'magpies', 'lizards', 'walruses', 'sparrows'];
/** A password for each number, and none of them common. */
const nth = (index: number): string => `nine-${WORDS[index] ?? 'otters'}-sleep-till-dawn`;

describe("a tenant's password policy", () => {
  it('holds for accounts that are made, in every process at once, and for no other tenant', async () => {
    const boss = await tenantAdmin();
    const other = await tenantAdmin();
    const create = (token: string, password: string, at = plane): Promise<ApiResponse> =>
      at.request('POST', '/api/v1/admin/users', { token, body: { email: `${unique('new')}@example.com`, password, full_name: 'New' } });
    expect((await create(boss.token, 'otters-hum', second)).status).toBe(201);
    await policy(boss.token, { min_length: 20 });
    for (const at of [plane, second]) {
      const refused = await create(boss.token, 'seven-otters-hum', at);
      expect(refused.body).toMatchObject({ status: 400, code: 'weak_password', errors: [{ field: 'password', code: 'too_short' }] });
      expect(refused.body['remedy']).toContain('20');
      expect((await create(boss.token, PASSWORD, at)).status).toBe(201);
    }
    expect((await create(other.token, 'seven-otters-hum')).status).toBe(201);
    const forIt = { email: `${unique('new')}@example.com`, password: 'seven-otters-hum', full_name: 'New', tenant_id: boss.tenantId };
    expect((await plane.request('POST', '/api/v1/admin/users', { token: ADMIN_TOKEN, body: forIt })).body).toMatchObject({ code: 'weak_password' });
  });

  it('holds for a change of the password, and leaves those that people have', async () => {
    const boss = await tenantAdmin();
    await policy(boss.token, { min_length: 40 });
    expect((await login(plane, boss.email)).status).toBe(200);
    expect((await change(boss.token, PASSWORD, nth(0), second)).body).toMatchObject({ errors: [{ field: 'new_password', code: 'too_short' }] });
    expect((await change(boss.token, PASSWORD, `${nth(0)}-and-${nth(1)}`)).status).toBe(204);
  });

  it('has no rules about kinds of characters, and always refuses common ones', async () => {
    const boss = await tenantAdmin();
    expect((await change(boss.token, PASSWORD, 'onlylowercaseletters')).status).toBe(204);
    expect((await change(boss.token, 'onlylowercaseletters', 'Password123!')).body).toMatchObject({ errors: [{ code: 'common' }] });
  });

  it("of the operator's tenant holds for those who register, and for setup", async () => {
    const register = (password: string): Promise<ApiResponse> =>
      plane.request('POST', '/api/v1/auth/register', {
        body: { email: `${unique('me')}@example.com`, password, full_name: 'Me' },
        headers: { 'x-forwarded-for': someAddress() },
      });
    const setup = (password: string): Promise<ApiResponse> =>
      second.request('POST', '/api/v1/setup/complete', {
        body: { setup_token: SETUP_TOKEN, email: `${unique('first')}@example.com`, password, full_name: 'First' },
        headers: { 'x-forwarded-for': someAddress() },
      });
    await policy(ADMIN_TOKEN, { min_length: 18 });
    try {
      expect((await register('seven-otters-hum')).body).toMatchObject({ code: 'weak_password' });
      expect((await setup('seven-otters-hum')).body).toMatchObject({ code: 'weak_password' });
      expect((await register(PASSWORD)).status).toBe(201);
      expect((await setup(PASSWORD)).status).toBe(201);
    } finally {
      await policy(ADMIN_TOKEN, { min_length: 8 });
    }
  });
});

describe('the age of passwords', () => {
  const reads = (token: string, at = plane): Promise<ApiResponse> => at.request('GET', '/api/v1/agents', { token });

  it('leaves nothing but a new one to who has one too old, at once, in every process, in open sessions too', async () => {
    const boss = await tenantAdmin();
    const [person, fresh] = [await createUser(plane, { tenant: boss.tenantId }), await createUser(plane, { tenant: boss.tenantId })];
    await withAdmin((admin) => admin.query(`update users set password_changed_at = now() - interval '31 days' where id = $1`, [person.id]), plane.database.name);
    for (const at of [plane, second]) expect((await reads(person.token, at)).status).toBe(200);
    const socket = await follow(second, person.token, 'task.*');
    await policy(boss.token, { max_age_days: 30 });
    expect((await socket.end()).code).toBe(4403);
    const { body } = await login(second, person.email);
    expect(body).toMatchObject({ password_expired: true });
    for (const at of [plane, second])
      for (const token of [person.token, body.access_token]) expect((await reads(token, at)).body).toMatchObject({ status: 403, code: 'password_expired' });
    expect((await plane.request('POST', '/api/v1/auth/mfa/setup', { token: body.access_token })).body).toMatchObject({ code: 'password_expired' });
    expect((await plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: person.refreshToken } })).body).toMatchObject({ password_expired: true });
    expect((await reads(fresh.token)).status).toBe(200);

    expect((await change(body.access_token, PASSWORD, nth(1))).status).toBe(204);
    for (const at of [plane, second]) expect((await reads(body.access_token, at)).status).toBe(200);
    expect((await login(plane, person.email, nth(1))).body).not.toHaveProperty('password_expired');
    expect((await reads(person.token, second)).status).toBe(401);
  });

  it('lets go when it is no longer asked for', async () => {
    const boss = await tenantAdmin();
    await withAdmin((admin) => admin.query(`update users set password_changed_at = now() - interval '3 days' where id = $1`, [boss.id]), plane.database.name);
    await policy(boss.token, { max_age_days: 2 });
    expect((await reads(boss.token, second)).body['code']).toBe('password_expired');
    await policy(ADMIN_TOKEN, { max_age_days: null, tenant_id: boss.tenantId });
    expect((await reads(boss.token, second)).status).toBe(200);
  });
});

describe('earlier passwords', () => {
  const kept = (userId: string): Promise<number> =>
    withAdmin(async (client) => {
      const { rows } = await client.query<{ kept: number }>('select count(*)::int as kept from password_history where user_id = $1', [userId]);
      return rows[0]?.kept ?? -1;
    }, plane.database.name);

  it('are not taken again, as many as the policy says; older ones are, and are not kept', async () => {
    const boss = await tenantAdmin();
    await policy(boss.token, { history: 2 });
    const passwords = [PASSWORD, nth(0), nth(1), nth(2)];
    for (let index = 1; index < passwords.length; index += 1) expect((await change(boss.token, passwords[index - 1]!, passwords[index]!)).status).toBe(204);
    expect(await kept(boss.id)).toBe(2);
    for (const earlier of [nth(1), nth(0)]) {
      expect((await change(boss.token, nth(2), earlier, second)).body).toMatchObject({
        status: 400,
        code: 'weak_password',
        limit: 2,
        errors: [{ field: 'new_password', code: 'reused' }],
      });
    }
    expect((await change(boss.token, nth(2), nth(2))).body).toMatchObject({ errors: [{ code: 'unchanged' }] });
    expect((await change(boss.token, nth(2), PASSWORD)).status).toBe(204);
  });

  it('are forgotten where the policy looks at none', async () => {
    const boss = await tenantAdmin();
    await change(boss.token, PASSWORD, nth(0));
    expect(await kept(boss.id)).toBe(1);
    await policy(boss.token, { history: 0 });
    expect((await change(boss.token, nth(0), PASSWORD)).status).toBe(204);
    expect(await kept(boss.id)).toBe(0);
  });

  it("are one person's own", async () => {
    const boss = await tenantAdmin();
    const person = await createUser(plane, { tenant: boss.tenantId });
    expect((await change(boss.token, PASSWORD, nth(0))).status).toBe(204);
    expect((await change(person.token, PASSWORD, nth(0))).status).toBe(204);
    expect((await change(person.token, nth(0), nth(1))).status).toBe(204);
    expect((await change(boss.token, nth(0), nth(1))).status).toBe(204);
  });

  it('stay right when changes come at once: one wins', async () => {
    const boss = await tenantAdmin();
    const answers = await Promise.all(Array.from({ length: 6 }, (_, index) => change(boss.token, PASSWORD, nth(index))));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    for (const { status } of answers) expect([204, 401, 409, 429]).toContain(status);
    expect(await kept(boss.id)).toBe(1);
  });
});

describe('guessing', () => {
  /** The statements that a piece of work sends about accounts, in order, without their values. */
  async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
    // Every statement of every connection goes out through this.
    const submit = jest.spyOn(pg.Query.prototype as unknown as { text?: string; submit(): void }, 'submit');
    try {
      await work();
      return submit.mock.contexts
        .map(({ text = '' }) => text)
        .filter((text) => /\b(from users|into users|update users|sign_in_attempts|into audit_log)\b/.test(text));
    } finally {
      submit.mockRestore();
    }
  }

  it('at an account that is there costs the same work as at one that is not', async () => {
    const boss = await tenantAdmin();
    const verify = jest.spyOn(plane.app.get(Passwords), 'verify');
    const wrong = await statementsOf(() => login(plane, boss.email, 'not the password at all'));
    const unknown = await statementsOf(() => login(plane, `${unique('nobody')}@example.com`, 'not the password at all'));
    expect(verify).toHaveBeenCalledTimes(2);
    verify.mockRestore();
    expect(wrong.length).toBeGreaterThanOrEqual(3);
    expect(unknown).toEqual(wrong);
  });

  it('meets the same numbers at both, whatever the tenant of the account has chosen', async () => {
    const boss = await tenantAdmin();
    await lockout(boss.token, { free_attempts: 3, longest_wait_seconds: 300 });
    const codes = async (email: string): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for (let index = 0; index < 5; index += 1) seen.push((await login(plane, email, 'wrong password here')).body.code);
      return seen;
    };
    const expected = Array.from({ length: 5 }, () => 'invalid_credentials');
    expect(await codes(boss.email)).toEqual(expected);
    expect(await codes(`${unique('nobody')}@example.com`)).toEqual(expected);
  });

  it("meets the operator's numbers, at once in every process", async () => {
    const boss = await tenantAdmin();
    await login(second, boss.email);
    await lockout(ADMIN_TOKEN, { free_attempts: 3, longest_wait_seconds: 60 });
    try {
      for (const email of [boss.email, `${unique('nobody')}@example.com`]) {
        const answers: ApiResponse<object>[] = [];
        const address = someAddress();
        for (let index = 0; index < 4; index += 1) answers.push(await login(second, email, 'wrong password here', address));
        expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 429]);
        expect(answers[3]?.body).toMatchObject({ code: 'rate_limited', limit: 3 });
        expect(answers[3]?.headers.get('retry-after')).toBe('1');
      }
    } finally {
      await lockout(ADMIN_TOKEN, { free_attempts: 10, longest_wait_seconds: 60 });
    }
  });

  it('waits longer with every attempt, up to the bound, and then no longer', async () => {
    const boss = await tenantAdmin();
    const state = (): Promise<{ wait: number }> =>
      withAdmin(async (client) => {
        const { rows } = await client.query<{ wait: number }>(
          `update sign_in_attempts set locked_until = now() - interval '1 s' where locked_until is not null and last_at = (select max(last_at) from sign_in_attempts where locked_until is not null)
           returning (select round(extract(epoch from a.locked_until - a.last_at))::int from sign_in_attempts a where a.subject = sign_in_attempts.subject) as wait`,
        );
        return rows[0] ?? { wait: -1 };
      }, plane.database.name);
    const home = someAddress();
    expect((await login(plane, boss.email, PASSWORD, home)).status).toBe(200);
    for (let index = 0; index < 9; index += 1) await login(plane, boss.email, 'wrong password here', home);
    const waits: number[] = [];
    for (let index = 0; index < 8; index += 1) {
      expect((await login(plane, boss.email, 'wrong password here', home)).status).toBe(401);
      waits.push((await state()).wait);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    // Nobody is kept out for good: the right password is taken as soon as the wait is over, and all is forgotten.
    expect((await login(plane, boss.email, PASSWORD, home)).status).toBe(200);
  });

  it("at one's own current password meets the tenant's numbers", async () => {
    const boss = await tenantAdmin();
    await lockout(boss.token, { free_attempts: 3 });
    const answers: number[] = [];
    for (let index = 0; index < 4; index += 1) answers.push((await change(boss.token, 'wrong password here', nth(0))).status);
    expect(answers).toEqual([401, 401, 401, 429]);
  });
});
