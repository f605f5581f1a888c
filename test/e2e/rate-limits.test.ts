import { eventually } from '../support/eventually.js';
import { someAddress } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';
import { TestRedis, whyNoRedis } from '../support/redis.js';

/** The limit of POST /auth/login. */
const POINTS = 30;

/** A sign-in without a body: it is counted, and costs nothing else. */
const attempt = (plane: Plane, address: string): Promise<ApiResponse> =>
  plane.request('POST', '/api/v1/auth/login', { body: {}, headers: { 'x-forwarded-for': address } });
const statuses = async (answers: Promise<ApiResponse>[]): Promise<number[]> => (await Promise.all(answers)).map(({ status }) => status);
const count = (all: readonly number[], status: number): number => all.filter((one) => one === status).length;
const many = (times: number, plane: Plane, address: string): Promise<ApiResponse>[] => Array.from({ length: times }, () => attempt(plane, address));

describe('a limit that is counted in the process', () => {
  it('lets through as many as it says, also of more at once, and shows how many are left', async () => {
    const plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
    const address = someAddress();
    const first = await attempt(plane, address);
    expect(first.status).toBe(400);
    expect([first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')]).toEqual(['30', '29']);
    expect(Number(first.headers.get('ratelimit-reset'))).toBeLessThanOrEqual(60);
    const rest = await statuses(many(50, plane, address));
    expect([count(rest, 400), count(rest, 429)]).toEqual([POINTS - 1, 21]);
    const refused = await attempt(plane, address);
    expect(refused.body).toMatchObject({ code: 'rate_limited', limit: POINTS });
    expect(refused.headers.get('ratelimit-remaining')).toBe('0');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await attempt(plane, someAddress())).status).toBe(400);
    // Every address of a /64 is one; a mapped one is the IPv4 address.
    const other = (n: number): Promise<ApiResponse> => attempt(plane, `2001:db8:7:7:${n.toString(16)}::1`);
    const network = await statuses(Array.from({ length: 32 }, (_, n) => other(n)));
    expect([count(network, 400), count(network, 429)]).toEqual([POINTS, 2]);
    expect([(await attempt(plane, '2001:db8:7:8::1')).status, (await attempt(plane, `::ffff:${address}`)).status]).toEqual([400, 429]);
    // Also who does not say who they are sees how their limit stands, and of two limits the one that is nearer.
    for (const [method, path] of [['GET', '/api/v1/auth/me'], ['GET', '/api/v1/setup/status']] as const)
      expect((await plane.request(method, path)).headers.get('ratelimit-limit')).toBe(path.endsWith('me') ? '60' : '600');
    const narrow = await plane.request('POST', '/api/v1/auth/reauthenticate', { token: ADMIN_TOKEN, body: {} });
    expect(narrow.headers.get('ratelimit-limit')).toBe('60');
    const document = (await plane.request<{ paths: Record<string, { post: Record<string, unknown> }> }>('GET', '/openapi.json')).body;
    expect(JSON.stringify(document.paths['/api/v1/auth/login']?.post['x-ratelimit'])).toContain('30');
    await plane.stop();
  });
});

const reason = whyNoRedis();
if (reason !== undefined) process.stderr.write(`The tests of limits that are shared through Redis are left out: ${reason}.\n`);

(reason === undefined ? describe : describe.skip)('a limit that is shared through Redis', () => {
  let redis: TestRedis;
  let plane: Plane;
  let second: Plane;
  beforeAll(async () => {
    redis = await TestRedis.start();
    const environment = { TRUST_PROXY: 'loopback', RATE_LIMIT_BACKEND: 'redis', REDIS_URL: redis.url };
    plane = await startPlane({ environment });
    second = await startPlane({ database: plane.database, environment });
  });
  afterAll(async () => {
    await second.stop();
    await plane.stop();
    await redis.kill();
  });

  /** Whether what one process counts, the other knows. */
  async function isShared(): Promise<boolean> {
    const address = someAddress();
    await statuses(many(POINTS, plane, address));
    return (await attempt(second, address)).status === 429;
  }

  it('is one limit for both processes, also with 100 at once', async () => {
    const address = someAddress();
    const all = await statuses([...many(50, plane, address), ...many(50, second, address)]);
    expect([count(all, 400), count(all, 429)]).toEqual([POINTS, 70]);
    expect((await attempt(second, address)).headers.get('ratelimit-remaining')).toBe('0');
  });

  it('is counted in each process while Redis is away, and shared again when it is back', async () => {
    let running = true;
    const seen: number[] = [];
    const load = [plane, second].map(async (at) => {
      while (running) seen.push((await attempt(at, someAddress())).status);
    });
    await eventually(() => seen.length > 50);
    await redis.kill();
    const before = seen.length;
    await eventually(() => seen.length > before + 50);
    // Never simply off: each process holds to the limit by itself.
    for (const at of [plane, second]) {
      const address = someAddress();
      const all = await statuses(many(50, at, address));
      expect([count(all, 400), count(all, 429)]).toEqual([POINTS, 20]);
    }
    await redis.start();
    await eventually(isShared, 20_000);
    running = false;
    await Promise.all(load);
    // Nobody was refused for Redis' sake, or saw an error of it.
    expect(new Set(seen)).toEqual(new Set([400]));
  });

  it('holds nobody up while Redis is stuck with its connections open', async () => {
    redis.freeze();
    try {
      const address = someAddress();
      const all = await statuses(many(50, plane, address));
      expect([count(all, 400), count(all, 429)]).toEqual([POINTS, 20]);
      const begun = performance.now();
      for (let n = 0; n < 40; n += 1) await attempt(plane, someAddress());
      // Each waited for ever; now some wait for a quarter of a second, and the rest not at all.
      expect(performance.now() - begun).toBeLessThan(8_000);
    } finally {
      redis.thaw();
    }
    await eventually(isShared, 20_000);
  });
});
