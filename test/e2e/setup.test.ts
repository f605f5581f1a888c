import { SetupService } from '../../src/identity/setup/setup.service.js';
import { someAddress } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';

const ADMIN = { email: 'first@example.com', password: 'seven-otters-hum-at-noon', full_name: 'First Admin' };

const complete = (plane: Plane, setupToken: unknown, extra: object = {}): Promise<ApiResponse> =>
  plane.request('POST', '/api/v1/setup/complete', {
    body: { ...ADMIN, setup_token: setupToken, ...extra },
    headers: { 'x-forwarded-for': someAddress() },
  });

describe('setup with a token made at start', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
  });
  afterAll(() => plane.stop());

  it('refuses before a token was made, and a wrong one', async () => {
    expect((await complete(plane, 'whs_0123456789abcdef0123456789')).body).toMatchObject({ status: 401, code: 'setup_token_invalid' });
    expect((await complete(plane, '')).body).toMatchObject({ status: 401, code: 'setup_token_invalid' });
    expect((await complete(plane, { $ne: '' })).body).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it('takes the token that was made last, refuses weak passwords, and works exactly once among 50', async () => {
    const setup = plane.app.get(SetupService);
    const first = await setup.issueToken();
    const last = await setup.issueToken();
    expect((await plane.request('GET', '/api/setup/status')).body).toEqual({ needs_setup: true });
    expect((await complete(plane, first)).body).toMatchObject({ code: 'setup_token_invalid' });
    expect((await complete(plane, last, { password: 'password1' })).body).toMatchObject({ status: 400, code: 'weak_password' });

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        complete(plane, last, { email: `admin${index}@example.com`, organization: 'Analytical Engines' }),
      ),
    );
    const won = answers.filter(({ status }) => status === 201);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ body }) => body['code'] === 'setup_done')).toHaveLength(49);
    expect(won[0]?.body).toMatchObject({ token_type: 'bearer', user: { role: 'admin', is_active: true } });

    const token = won[0]?.body['access_token'] as string;
    const users = await plane.request('GET', '/api/v1/admin/users', { token });
    expect(users.body).toMatchObject({ total: 1 });
    const tenants = await plane.request<{ items: { name: string }[] }>('GET', '/api/v1/tenants', { token });
    expect(tenants.body.items.map(({ name }) => name)).toEqual(['Analytical Engines']);
    expect((await plane.request('GET', '/api/v1/setup/status')).body).toEqual({ needs_setup: false });
    expect(await setup.issueToken()).toBeUndefined();
    expect((await complete(plane, last)).body).toMatchObject({ status: 409, code: 'setup_done' });
  });
});

describe('setup with SETUP_TOKEN', () => {
  it('takes that token alone, and limits guesses by address', async () => {
    const plane = await startPlane({ environment: { SETUP_TOKEN: 'setup-token-of-the-operator-1' } });
    try {
      expect(await plane.app.get(SetupService).issueToken()).toBeUndefined();
      const guesses = await Promise.all(Array.from({ length: 25 }, (_, index) => complete(plane, `guess-${index}`)));
      expect(guesses.filter(({ body }) => body['code'] === 'rate_limited')).toHaveLength(5);
    } finally {
      await plane.stop();
    }
  });

  it('completes', async () => {
    const plane = await startPlane({ environment: { SETUP_TOKEN: 'setup-token-of-the-operator-1' } });
    try {
      const answer = await complete(plane, 'setup-token-of-the-operator-1');
      expect(answer.status).toBe(201);
      const me = await plane.request('GET', '/api/v1/auth/me', { token: answer.body['access_token'] as string });
      expect(me.body).toMatchObject({ email: ADMIN.email, full_name: ADMIN.full_name, role: 'admin' });
    } finally {
      await plane.stop();
    }
  });
});
