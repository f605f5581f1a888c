import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { claim, createAgent, createBoard, createTask, createTenant, createUser, ok, type SignedIn, type TestAgent, unique } from '../support/factories.js';
import { type ApiResponse, type Plane, startPlane } from '../support/plane.js';

interface Grant {
  id: string;
  uses: number;
  [field: string]: unknown;
}
interface Given {
  name: string;
  value: string;
  version: number;
  expires_at: string | null;
  code: string;
}

let plane: Plane;
let other: Plane;
let admin: SignedIn;
beforeAll(async () => {
  plane = await startPlane();
  other = await startPlane({ database: plane.database });
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
});
afterAll(async () => {
  await other.stop();
  await plane.stop();
});

const call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<ApiResponse<T & { code: string }>> => plane.request(method, `/api/v1${path}`, { token: admin.token, body });
const makeSecret = (fields: Record<string, unknown> = {}): Promise<{ id: string; name: string }> => ok(call('POST', '/secrets', { name: unique('KEY'), value: 'the-value', ...fields }));
const grant = (secret: { id: string }, fields: Record<string, unknown>): Promise<Grant> => ok(call<Grant>('POST', `/secrets/${secret.id}/grants`, fields));
const grantsOf = async (secret: { id: string }): Promise<Grant[]> => (await ok(call<{ items: Grant[] }>('GET', `/secrets/${secret.id}/grants?revoked=true`))).items;
const use = (agent: TestAgent, name: string, query = '', which = plane): Promise<ApiResponse<Given>> => which.request('GET', `/api/v1/agent/secrets/${encodeURIComponent(name)}${query}`, { token: agent.token });
const outcome = async (agent: TestAgent, name: string, query = '', which = plane): Promise<string> => {
  const { status, body } = await use(agent, name, query, which);
  return status === 200 ? body.value : `${status} ${body.code}`;
};
const usesOf = async (secret: { id: string }): Promise<{ actor_id: string; detail: Record<string, unknown> }[]> =>
  (await ok(call<{ items: { actor_id: string; detail: Record<string, unknown> }[] }>('GET', `/admin/audit?action=secret.use&resource_id=${secret.id}&outcome=done`))).items;

/** An agent that holds a task, for a minute. */
async function worker(fields: Record<string, unknown> = {}): Promise<TestAgent & { taskId: string; fence: number }> {
  const agent = await createAgent(plane, {}, admin.token);
  if (typeof fields['board_id'] === 'string') await ok(call('PUT', `/boards/${fields['board_id']}/agents/${agent.id}`));
  await createTask(plane, { agent_id: agent.id, ...fields }, admin.token);
  const [claimed] = await claim(plane, agent);
  return { ...agent, taskId: claimed!.task.id, fence: claimed!.lease.fence };
}

describe('an agent that holds a lease', () => {
  it('gets what it is granted, each use counted and on record, and nothing else', async () => {
    const [secret, secretOfOthers] = [await makeSecret({ expires_at: '2099-01-01T00:00:00Z' }), await makeSecret()];
    const [agent, stranger] = [await worker(), await worker()];
    expect(await outcome(agent, secret.name)).toBe('403 secret_not_granted');
    const { id } = await grant(secret, { agent_id: agent.id });
    await grant(secretOfOthers, { agent_id: stranger.id });
    const { status, body } = await use(agent, secret.name);
    expect([status, body]).toEqual([200, { name: secret.name, value: 'the-value', version: 1, expires_at: '2099-01-01T00:00:00.000Z' }]);
    expect(await outcome(stranger, secret.name)).toBe('403 secret_not_granted');
    expect(await usesOf(secret)).toMatchObject([{ actor_id: agent.id, detail: { name: secret.name, version: 1, grant_id: id, task_ids: [agent.taskId] } }]);
    expect(await grantsOf(secret)).toMatchObject([{ id, uses: 1, last_used_at: expect.any(String) }]);
    const [absent, ungranted] = await Promise.all(['NO_SUCH_SECRET', secretOfOthers.name, '{{x}}'].map((name) => use(agent, name)));
    expect({ ...absent?.body, request_id: '' }).toEqual({ ...ungranted?.body, request_id: '' });
    expect((await plane.request<Given>('GET', `/api/v1/agent/secrets/${secret.name}`, { token: admin.token })).body.code).toBe('forbidden');
  });

  it('of another tenant gets nothing by the same name', async () => {
    const secret = await makeSecret();
    const foreign = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    const agent = await createAgent(plane, {}, foreign.token);
    await createTask(plane, {}, foreign.token);
    await claim(plane, agent);
    expect(await outcome(agent, secret.name)).toBe('403 secret_not_granted');
    expect((await call('POST', `/secrets/${secret.id}/grants`, { agent_id: agent.id })).status).toBe(400);
  });

  it('is refused without its lease: before the claim, after the end, and once the lease has run out', async () => {
    const secret = await makeSecret();
    const idle = await createAgent(plane, {}, admin.token);
    await grant(secret, { agent_id: idle.id });
    expect(await outcome(idle, secret.name)).toBe('403 lease_required');
    const agent = await worker();
    await grant(secret, { agent_id: agent.id });
    expect(await outcome(agent, secret.name)).toBe('the-value');
    expect(await outcome(agent, secret.name, `?task_id=${agent.taskId}`)).toBe('the-value');
    expect(await outcome(agent, secret.name, `?task_id=${secret.id}`)).toBe('403 lease_required');
    await plane.app.get(SystemDatabase).execute(`update tasks set lease_expires_at = now() - interval '1 millisecond' where id = $1`, [agent.taskId]);
    for (const which of [plane, other]) expect(await outcome(agent, secret.name, '', which)).toBe('403 lease_required');
    const done = await worker();
    await grant(secret, { agent_id: done.id });
    await ok(plane.request('POST', `/api/v1/agent/tasks/${done.taskId}/complete`, { token: done.token, body: { fence: done.fence } }));
    expect(await outcome(done, secret.name)).toBe('403 lease_required');
  });

  it('is refused while it is paused and once it is killed or stopped, in every process', async () => {
    const secret = await makeSecret();
    const agent = await worker();
    await grant(secret, { agent_id: agent.id });
    for (const [act, wanted] of [['pause', '409 agent_paused'], ['resume', 'the-value'], ['kill', '403 agent_killed']] as const) {
      await ok(call('POST', `/agents/${agent.id}/${act}`, {}));
      for (const which of [other, plane]) expect([act, await outcome(agent, secret.name, '', which)]).toEqual([act, wanted]);
    }
    await ok(call('POST', `/agents/${agent.id}/resume`, {}));
    expect(await outcome(agent, secret.name)).toBe('403 lease_required');
  });
});

describe('a grant', () => {
  it('for a board covers its agents while they hold a task of the board', async () => {
    const board = await createBoard(plane, {}, [], admin.token);
    const secret = await makeSecret();
    await grant(secret, { board_id: board.id });
    const [onBoard, elsewhere] = [await worker({ board_id: board.id }), await worker()];
    expect(await outcome(onBoard, secret.name)).toBe('the-value');
    expect(await outcome(elsewhere, secret.name)).toBe('403 secret_not_granted');
    await ok(call('PUT', `/boards/${board.id}/agents/${elsewhere.id}`));
    expect(await outcome(elsewhere, secret.name)).toBe('403 secret_not_granted');
  });

  it.each([5, 1])('of %i uses is used no more often, by 50 at the same moment in two processes', async (most) => {
    const secret = await makeSecret();
    const agent = await worker();
    await grant(secret, { agent_id: agent.id, max_uses: most });
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => outcome(agent, secret.name, '', index % 2 ? plane : other)));
    expect(outcomes.filter((one) => one === 'the-value')).toHaveLength(most);
    expect(new Set(outcomes)).toEqual(new Set(['the-value', '403 secret_not_granted']));
    expect(await usesOf(secret)).toHaveLength(most);
    expect(await grantsOf(secret)).toMatchObject([{ uses: most }]);
  });

  it('adds to others: several with limits are used up one after the other', async () => {
    const secret = await makeSecret();
    const agent = await worker();
    for (const max_uses of [3, 4]) await grant(secret, { agent_id: agent.id, max_uses });
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => outcome(agent, secret.name)));
    expect(outcomes.filter((one) => one === 'the-value')).toHaveLength(7);
  });

  it('that is revoked gives nothing from then on, in the other process too', async () => {
    const secret = await makeSecret();
    const agent = await worker();
    const { id } = await grant(secret, { agent_id: agent.id });
    expect(await outcome(agent, secret.name, '', other)).toBe('the-value');
    for (const status of [204, 204]) expect((await call('DELETE', `/secrets/${secret.id}/grants/${id}`)).status).toBe(status);
    for (const which of [other, plane]) expect(await outcome(agent, secret.name, '', which)).toBe('403 secret_not_granted');
    expect(await ok(call('GET', `/secrets/${secret.id}/grants`))).toMatchObject({ items: [], total: 0 });
    const another = await makeSecret();
    expect((await call('DELETE', `/secrets/${another.id}/grants/${id}`)).status).toBe(404);
  });

  it('is never overtaken: what was given before its revocation was answered is all that is given', async () => {
    const secret = await makeSecret();
    const agent = await worker();
    const { id } = await grant(secret, { agent_id: agent.id });
    let revoked = false;
    const late: string[] = [];
    const asking = Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        for (let round = 0; round < 15; round += 1) {
          const after = revoked;
          const one = await outcome(agent, secret.name, '', index % 2 ? plane : other);
          if (after && one === 'the-value') late.push(one);
        }
      }),
    );
    await ok(call('DELETE', `/secrets/${secret.id}/grants/${id}`));
    revoked = true;
    await asking;
    expect(late).toEqual([]);
  });

  it('ends at its time, and the secret at its own', async () => {
    const secret = await makeSecret();
    const agent = await worker();
    const { id } = await grant(secret, { agent_id: agent.id, expires_at: new Date(Date.now() + 60_000).toISOString() });
    expect(await outcome(agent, secret.name)).toBe('the-value');
    await plane.app.get(SystemDatabase).execute(`update secret_grants set expires_at = now() where id = $1`, [id]);
    expect(await outcome(agent, secret.name)).toBe('403 secret_not_granted');
    await grant(secret, { agent_id: agent.id, max_uses: 1 });
    await ok(call('PUT', `/secrets/${secret.id}`, { expires_at: new Date(Date.now() - 1000).toISOString() }));
    expect(await outcome(agent, secret.name)).toBe('403 secret_expired');
    await ok(call('PUT', `/secrets/${secret.id}`, { expires_at: null }));
    // What was refused did not count.
    expect(await outcome(agent, secret.name)).toBe('the-value');
    expect((await call('POST', `/secrets/${secret.id}/grants`, { agent_id: agent.id, expires_at: '2020-01-01T00:00:00Z' })).status).toBe(400);
  });

  it('is for an agent or a board that there is, not for both', async () => {
    const secret = await makeSecret();
    const board = await createBoard(plane, {}, [], admin.token);
    const agent = await createAgent(plane, {}, admin.token);
    for (const body of [{}, { agent_id: agent.id, board_id: board.id }, { agent_id: board.id }, { board_id: agent.id }, { agent_id: agent.id, max_uses: 0 }, { agent_id: 'x' }]) {
      expect([body, (await call('POST', `/secrets/${secret.id}/grants`, body)).status]).toEqual([body, 400]);
    }
  });
});

describe('after a rotation', () => {
  it('both versions work for the grace time, and then the new one alone', async () => {
    const secret = await makeSecret({ value: 'old', grace_seconds: 3600 });
    const agent = await worker();
    await grant(secret, { agent_id: agent.id });
    await ok(call('POST', `/secrets/${secret.id}/rotate`, { value: 'new' }));
    expect([await outcome(agent, secret.name), await outcome(agent, secret.name, '?version=1'), await outcome(agent, secret.name, '?version=2')]).toEqual(['new', 'old', 'new']);
    await plane.app.get(SystemDatabase).execute(`update secret_versions set works_until = now() where secret_id = $1 and version = 1`, [secret.id]);
    expect([await outcome(agent, secret.name), await outcome(agent, secret.name, '?version=1')]).toEqual(['new', '409 version_retired']);
    await ok(call('POST', `/secrets/${secret.id}/rotate`, { value: 'newer', grace_seconds: 0 }));
    expect([await outcome(agent, secret.name), await outcome(agent, secret.name, '?version=2')]).toEqual(['newer', '409 version_retired']);
    expect([await outcome(agent, secret.name, '?version=9'), await outcome(agent, secret.name, '?version=x')]).toEqual(['404 not_found', '400 invalid_request']);
  });
});
