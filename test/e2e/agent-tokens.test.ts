import { AgentTokensRepository } from '../../src/fleet/agents/agent-tokens.repository.js';
import { newToken } from '../../src/platform/crypto/tokens.js';
import { eventually } from '../support/eventually.js';
import { withAdmin } from '../support/databases.js';
import { createAgent, createTenant, createUser, ok, someAddress, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

type Body = Record<string, unknown>;
const BOOTSTRAP = 'bootstrap-token-0123456789abcdef';
const OTHER_BOOTSTRAP = 'another-tenants-token-0123456789';
const environment = { AGENT_TOKENS: `default:${BOOTSTRAP},acme:${OTHER_BOOTSTRAP}`, TRUST_PROXY: 'loopback' };

describe('agent tokens', () => {
  let first: Plane;
  let second: Plane;
  /** Any call of the agent protocol, from an address of its own. */
  const work = (plane: Plane, headers: Record<string, string>): Promise<ApiResponse> =>
    plane.request('GET', '/api/v1/agent/boards', { headers: { 'x-forwarded-for': someAddress(), ...headers } });
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
  const verdict = async (plane: Plane, token: string): Promise<unknown> => {
    const { status, body } = await work(plane, bearer(token));
    return status === 200 ? 200 : [status, body['code']];
  };
  const operate = (id: string, verb: string, body: Body = {}): Promise<Body> => ok(first.request('POST', `/api/v1/agents/${id}/${verb}`, { token: ADMIN_TOKEN, body }));

  beforeAll(async () => {
    first = await startPlane({ environment });
    second = await startPlane({ environment, database: first.database });
    await createTenant(first, 'acme');
  });
  afterAll(async () => {
    await second.stop();
    await first.stop();
  });

  it('are taken in every documented form', async () => {
    const { token } = await createAgent(first);
    for (const headers of [bearer(token), bearer(`default:${token}`), { 'x-agent-token': token }, { 'x-agent-token': `default:${token}` }]) {
      expect((await work(first, headers)).status).toBe(200);
    }
    expect((await work(first, bearer(`acme:${token}`))).status).toBe(401);
    expect((await work(first, { 'x-api-key': token })).status).toBe(401);
  });

  it('are refused when wrong in any way', async () => {
    const { token } = await createAgent(first);
    const flipped = token.slice(0, 20) + (token[20] === 'a' ? 'b' : 'a') + token.slice(21);
    for (const wrong of [token.slice(0, -1), `${token}x`, flipped, token.toUpperCase(), 'wha_', `wha_${'a'.repeat(39)}`, token.slice(4)]) {
      expect([wrong.length, await verdict(first, wrong)]).toEqual([wrong.length, [401, 'unauthenticated']]);
    }
  });

  it('are stored as hashes alone', async () => {
    const { id, token } = await createAgent(first);
    const { rows } = await withAdmin((admin) => admin.query('select * from agent_tokens where agent_id = $1', [id]), first.database.name);
    expect(rows).toHaveLength(1);
    expect((rows[0] as { token_hash: Buffer }).token_hash).toHaveLength(32);
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  it('may do the work of agents and nothing else', async () => {
    const { id, token } = await createAgent(first);
    for (const [method, path] of [['GET', '/api/v1/agents'], ['GET', `/api/v1/agents/${id}`], ['POST', `/api/v1/agents/${id}/rotate-token`], ['GET', '/api/v1/boards']]) {
      expect((await first.request(method ?? '', path ?? '', { token, ...(method === 'POST' ? { body: {} } : {}) })).status).toBe(403);
    }
  });

  it('end at once, in every process, when they are rotated without overlap', async () => {
    const { id, token } = await createAgent(first);
    expect(await verdict(second, token)).toBe(200);
    const rotated = await operate(id, 'rotate-token');
    expect(await Promise.all([verdict(first, token), verdict(second, token)])).toEqual([
      [401, 'unauthenticated'],
      [401, 'unauthenticated'],
    ]);
    expect(await verdict(second, String(rotated['token']))).toBe(200);
    expect(Math.abs(Date.parse(String(rotated['previous_valid_until'])) - Date.now())).toBeLessThan(60_000);
  });

  it('overlap as long as asked, and the agent is told', async () => {
    const { id, token } = await createAgent(first);
    const rotated = await operate(id, 'rotate-token', { overlap_seconds: 1 });
    expect(await verdict(second, token)).toBe(200);
    const beat = await first.request<{ commands: Body[] }>('POST', '/api/v1/agent/heartbeat', { token, body: { status: 'online' } });
    expect(beat.body.commands).toMatchObject([{ command: 'rotate_token' }]);
    const refused = await eventually(async () => (await verdict(second, token)) !== 200);
    expect(refused).toBe(true);
    expect(await verdict(first, String(rotated['token']))).toBe(200);
  });

  it('are not prolonged by a second rotation, and one rotation of fifty at once leaves one token', async () => {
    const { id, token } = await createAgent(first);
    await operate(id, 'rotate-token', { overlap_seconds: 600 });
    await operate(id, 'rotate-token', { overlap_seconds: 86_400 });
    const { rows } = await withAdmin((admin) => admin.query(`select count(*)::int as n from agent_tokens where agent_id = $1 and expires_at < now() + interval '601 s'`, [id]), first.database.name);
    expect(rows).toEqual([{ n: 1 }]);
    const tokens = await Promise.all(Array.from({ length: 50 }, async () => String((await operate(id, 'rotate-token'))['token'])));
    const good = [];
    for (const candidate of [token, ...tokens]) if ((await verdict(second, candidate)) === 200) good.push(candidate);
    expect(good).toHaveLength(1);
  });

  it.each([-1, 86_401, 1.5, '60', null])('refuse an overlap of %j', async (overlap_seconds) => {
    const { id } = await createAgent(first);
    expect((await first.request('POST', `/api/v1/agents/${id}/rotate-token`, { token: ADMIN_TOKEN, body: { overlap_seconds } })).status).toBe(400);
  });

  it('say why they are refused when the agent is killed, stopped or its tenant suspended, at once in every process', async () => {
    const { id, token } = await createAgent(first);
    expect(await verdict(second, token)).toBe(200);
    await operate(id, 'kill');
    expect(await verdict(second, token)).toEqual([403, 'agent_killed']);
    await operate(id, 'resume');
    expect(await verdict(second, token)).toBe(200);
    await operate(id, 'stop');
    expect(await verdict(second, token)).toEqual([403, 'agent_inactive']);
    await operate(id, 'start');
    expect(await verdict(second, token)).toBe(200);
    await ok(first.request('PATCH', `/api/v1/agents/${id}`, { token: ADMIN_TOKEN, body: { is_active: false } }));
    expect(await verdict(second, token)).toEqual([403, 'agent_inactive']);
    await ok(first.request('PATCH', `/api/v1/agents/${id}`, { token: ADMIN_TOKEN, body: { is_active: true } }));
    expect(await verdict(second, token)).toBe(200);
    await ok(first.request('DELETE', `/api/v1/agents/${id}`, { token: ADMIN_TOKEN }));
    expect(await verdict(second, token)).toEqual([401, 'unauthenticated']);
  });

  it('are refused while the tenant is suspended', async () => {
    const tenant = await createTenant(first);
    const admin = await createUser(first, { role: 'admin', tenant: tenant.slug });
    const { token } = await createAgent(first, {}, admin.token);
    expect(await verdict(second, token)).toBe(200);
    await ok(first.request('POST', `/api/v1/tenants/${tenant.id}/suspend`, { token: ADMIN_TOKEN, body: {} }));
    expect(await verdict(second, token)).toEqual([403, 'tenant_suspended']);
    await ok(first.request('POST', `/api/v1/tenants/${tenant.id}/resume`, { token: ADMIN_TOKEN, body: {} }));
    expect(await verdict(second, token)).toBe(200);
  });

  it('are limited to 20 failures a minute from one address, successes apart', async () => {
    const address = { 'x-forwarded-for': someAddress() };
    const { token } = await createAgent(first);
    for (let i = 0; i < 30; i += 1) expect((await work(first, { ...bearer(token), ...address })).status).toBe(200);
    for (let i = 0; i < 20; i += 1) expect((await work(first, { ...bearer('wha_wrong'), ...address })).status).toBe(401);
    const limited = await work(first, { ...bearer('wha_wrong'), ...address });
    expect([limited.status, limited.body['code']]).toEqual([429, 'rate_limited']);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    // Good credentials are taken all the while, also one that comes for the first time.
    const { token: fresh } = await createAgent(first);
    for (const good of [token, fresh]) expect((await work(first, { ...bearer(good), ...address })).status).toBe(200);
  });

  it('that are rubbish are not even looked up when there is no end of them; those known to be good are', async () => {
    const address = { 'x-forwarded-for': someAddress() };
    const { token } = await createAgent(first);
    expect((await work(first, { ...bearer(token), ...address })).status).toBe(200);
    const rubbish = (): Promise<ApiResponse> => work(first, { ...bearer(newToken('wha_').token), ...address });
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 20 }, rubbish));
    const lookUp = jest.spyOn(first.app.get(AgentTokensRepository), 'findByHash');
    const flood = await Promise.all(Array.from({ length: 50 }, rubbish));
    expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([429]));
    expect(lookUp).not.toHaveBeenCalled();
    lookUp.mockRestore();
    expect((await work(first, { ...bearer(token), ...address })).status).toBe(200);
  });

  describe('of the environment', () => {
    const named = (name: string, token: string): Record<string, string> => ({ ...bearer(token), 'x-agent-name': name });
    const find = async (name: string, tenant = 'default'): Promise<Body[]> =>
      (await ok(first.request<{ items: Body[] }>('GET', `/api/v1/agents?tenant_id=${tenant}&search=${name}`, { token: ADMIN_TOKEN }))).items;

    it('are pairs of tenant and token, in every form', async () => {
      for (const headers of [bearer(`default:${BOOTSTRAP}`), bearer(BOOTSTRAP), { 'x-agent-token': BOOTSTRAP }, { 'x-agent-token': `default:${BOOTSTRAP}` }]) {
        expect((await work(first, headers)).status).toBe(200);
      }
      for (const wrong of [`acme:${BOOTSTRAP}`, `nowhere:${BOOTSTRAP}`, `default:${BOOTSTRAP.slice(1)}`, `default:${OTHER_BOOTSTRAP}`, `:${BOOTSTRAP}`]) {
        expect([wrong, (await work(first, bearer(wrong))).status]).toEqual([wrong, 401]);
      }
    });

    it('act as the agent that X-Agent-Name names, made once though fifty call at the same moment', async () => {
      const name = unique('Crew Member');
      const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => work(i % 2 ? first : second, named(name, `default:${BOOTSTRAP}`))));
      expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
      const found = await find(name.slice(-12));
      expect(found).toMatchObject([{ name, slug: name.toLowerCase().replace(' ', '-'), is_active: true }]);
    });

    it('act in their own tenant', async () => {
      const name = unique('abroad');
      expect((await work(first, named(name, `acme:${OTHER_BOOTSTRAP}`))).status).toBe(200);
      expect(await find(name)).toEqual([]);
      expect(await find(name, 'acme')).toMatchObject([{ slug: name }]);
    });

    it('are refused for an agent that is killed', async () => {
      const name = unique('rogue');
      expect((await work(first, named(name, `default:${BOOTSTRAP}`))).status).toBe(200);
      await operate(String((await find(name))[0]?.['id']), 'kill');
      const refused = await work(second, named(name, `default:${BOOTSTRAP}`));
      expect([refused.status, refused.body['code']]).toEqual([403, 'agent_killed']);
    });
  });
});
