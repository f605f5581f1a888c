import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createBoard, createTask, createTenant, createUser, type TestAgent, type TestClaim, type TestTask } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

/** Two processes on one database: whatever one hands out, the other must know. */
describe('leases', () => {
  let plane: Plane;
  let second: Plane;
  let token: string;
  beforeAll(async () => {
    plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
    second = await startPlane({ database: plane.database, environment: { TRUST_PROXY: 'loopback' } });
  });
  afterAll(async () => {
    await second.stop();
    await plane.stop();
  });
  /** A tenant of its own for each test: an agent takes whatever is there. */
  beforeEach(async () => {
    token = (await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).slug })).token;
  });

  const act = (agent: TestAgent, id: string, verb: string, body: object, on: Plane = plane): Promise<ApiResponse> =>
    on.request('POST', `/api/v1/agent/tasks/${id}/${verb}`, { token: agent.token, body });
  const read = async (id: string): Promise<TestTask & { attempt_history: { fence: number; outcome: string; error: string | null; agent_id: string }[] }> =>
    (await plane.request<never>('GET', `/api/v1/tasks/${id}`, { token })).body;
  const agents = (count: number, fields: object = {}): Promise<TestAgent[]> => Promise.all(Array.from({ length: count }, () => createAgent(plane, { ...fields }, token)));
  const only = (claims: TestClaim[]): TestClaim => {
    expect(claims).toHaveLength(1);
    return claims[0] as TestClaim;
  };

  it('go by priority, then age', async () => {
    const [agent] = await agents(1);
    const made: Record<string, string> = {};
    for (const [name, priority] of [['low', 'low'], ['old', 'medium'], ['new', 'medium'], ['high', 'high'], ['critical', 'critical']] as const) made[name] = (await createTask(plane, { priority }, token)).id;
    const claims = await claim(plane, agent as TestAgent, { max: 5 });
    expect(claims.map(({ task }) => task.id)).toEqual([made['critical'], made['high'], made['old'], made['new'], made['low']]);
    expect(claims[0]).toMatchObject({ task: { status: 'in_progress', fence: 1, attempts: 1, claimed_by: (agent as TestAgent).id }, lease: { fence: 1 } });
  });

  it('give each task to one of 50 agents that ask two processes at once', async () => {
    const fleet = await agents(50);
    const ids = new Set<string>();
    for (let i = 0; i < 60; i += 1) ids.add((await createTask(plane, {}, token)).id);
    const claims = (await Promise.all(fleet.map((agent, i) => claim(i % 2 ? plane : second, agent, { max: 2 })))).flat();
    expect(claims).toHaveLength(60);
    expect(new Set(claims.map(({ task }) => task.id))).toEqual(ids);
  });

  it('keep to max_concurrent_tasks, also when one agent asks 20 times at once of two processes', async () => {
    const [agent] = (await agents(1, { max_concurrent_tasks: 3 })) as [TestAgent];
    for (let i = 0; i < 10; i += 1) await createTask(plane, {}, token);
    const claims = (await Promise.all(Array.from({ length: 20 }, (_, i) => claim(i % 2 ? plane : second, agent, { max: 5 })))).flat();
    expect(claims).toHaveLength(3);
    const { task, lease } = claims[0] as TestClaim;
    await act(agent, task.id, 'complete', { fence: lease.fence });
    expect(await claim(plane, agent, { max: 5 })).toHaveLength(1);
  });

  it('go only to agents that have the tools, are on the board, or are meant', async () => {
    const [able, unable] = [await createAgent(plane, { enabled_tools: ['search', 'shell'] }, token), await createAgent(plane, {}, token)];
    const board = await createBoard(plane, {}, [unable], token);
    const tooled = await createTask(plane, { required_tools: ['shell'] }, token);
    const onBoard = await createTask(plane, { board_id: board.id }, token);
    const meant = await createTask(plane, { agent_id: able.id }, token);
    expect((await claim(plane, unable, { max: 10 })).map(({ task }) => task.id)).toEqual([onBoard.id]);
    expect((await claim(plane, able, { max: 10 })).map(({ task }) => task.id)).toEqual([tooled.id, meant.id]);
  });

  it('of one board only, when the claim says so', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    const board = await createBoard(plane, {}, [agent], token);
    await createTask(plane, {}, token);
    const onBoard = await createTask(plane, { board_id: board.id }, token);
    expect((await claim(plane, agent, { max: 10, board_id: board.id })).map(({ task }) => task.id)).toEqual([onBoard.id]);
  });

  it('are never given twice when claims for a board and for anything come together', async () => {
    const fleet = await agents(8);
    const board = await createBoard(plane, {}, fleet, token);
    for (let round = 0; round < 6; round += 1) {
      for (let i = 0; i < 8; i += 1) await createTask(plane, { board_id: board.id }, token);
      const answers = await Promise.all(fleet.map(async (agent, i) => ({ agent, claims: await claim(plane, agent, { max: 2, ...(i % 2 ? { board_id: board.id } : {}) }) })));
      const given = answers.flatMap(({ agent, claims }) => claims.map(({ task }) => ({ id: task.id, by: task['claimed_by'], to: agent.id })));
      expect(given.filter(({ by, to }) => by !== to)).toEqual([]);
      expect(new Set(given.map(({ id }) => id)).size).toBe(given.length);
      await Promise.all(answers.flatMap(({ agent, claims }) => claims.map(({ task, lease }) => act(agent, task.id, 'complete', { fence: lease.fence }))));
    }
  });

  it('are renewed however often at once, and nobody else can get in the way of their holder', async () => {
    const [agent, other] = (await agents(2)) as [TestAgent, TestAgent];
    for (let round = 0; round < 5; round += 1) {
      const { id } = await createTask(plane, {}, token);
      const { lease } = only(await claim(plane, agent));
      const renewals = await Promise.all(Array.from({ length: 12 }, (_, i) => act(agent, id, 'renew', { fence: lease.fence, progress_percent: i })));
      expect(renewals.map(({ status }) => status)).toEqual(renewals.map(() => 200));
      const [foreign, held, stale] = await Promise.all([
        act(other, id, 'complete', { fence: lease.fence }),
        act(agent, id, 'complete', { fence: lease.fence }),
        act(agent, id, 'complete', { fence: lease.fence + 1 }),
      ]);
      expect([foreign.status, held.status, stale.status]).toEqual([409, 200, 409]);
    }
  });

  it('of others are completed when one completion beside them is wrong', async () => {
    const fleet = await agents(10);
    await Promise.all(fleet.map((agent) => createTask(plane, { agent_id: agent.id }, token)));
    const held = await Promise.all(fleet.map(async (agent) => ({ agent, claimed: only(await claim(plane, agent)) })));
    const answers = await Promise.all(
      held.map(({ agent, claimed }, i) => act(agent, claimed.task.id, 'complete', { fence: claimed.lease.fence, result: i === 3 ? { text: 'x\u0000y' } : { i } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => (i === 3 ? 400 : 200)));
    const { agent, claimed } = held[3] as (typeof held)[number];
    const items = [claimed.task.id, claimed.task.id.toUpperCase()].map((id) => ({ id, fence: claimed.lease.fence }));
    const twice = await plane.request<{ items: { ok: boolean }[] }>('POST', '/api/v1/agent/tasks/complete', { token: agent.token, body: { items } });
    expect(twice.body.items.map(({ ok }) => ok)).toEqual([true, true]);
  });

  it('wake one waiting agent when a task comes, whichever process it comes through', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    for (const [waitsAt, madeAt] of [[plane, plane], [plane, second], [second, plane]] as const) {
      const waiting = claim(waitsAt, agent, { wait_seconds: 20 });
      const task = await createTask(madeAt, {}, token);
      expect(only(await waiting).task.id).toBe(task.id);
    }
  });

  it('take null for no value: it is refused, not a lease without an end or a retry that is not made', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    const { id } = await createTask(plane, {}, token);
    for (const field of ['max', 'lease_seconds', 'wait_seconds']) {
      const answer = await plane.request<{ errors: { field: string }[] }>('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: { [field]: null } });
      expect([answer.status, answer.body.errors[0]?.field]).toEqual([400, field]);
    }
    const { lease } = only(await claim(plane, agent));
    expect((await act(agent, id, 'fail', { fence: lease.fence, error: 'x', retryable: null })).status).toBe(400);
    expect((await read(id)).status).toBe('in_progress');
  });

  it('answer an empty list after the wait', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    const started = performance.now();
    expect(await claim(plane, agent, { wait_seconds: 1 })).toEqual([]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(950);
  });

  it('complete once, and the same call again gives the same answer', async () => {
    const [agent, other] = (await agents(2)) as [TestAgent, TestAgent];
    const { id } = await createTask(plane, {}, token);
    const { lease } = only(await claim(plane, agent));
    const foreign = await act(other, id, 'complete', { fence: lease.fence });
    expect([foreign.status, foreign.body['code']]).toEqual([409, 'lease_lost']);
    const body = { fence: lease.fence, result: { sum: 3 }, output_files: ['a.txt'] };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => act(agent, id, 'complete', body, i % 2 ? plane : second)));
    expect(new Set(answers.map((answer) => JSON.stringify([answer.status, answer.body]))).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ status: 'completed', result: { sum: 3 }, output_files: ['a.txt'], claimed_by: null });
    expect((await read(id)).attempt_history).toMatchObject([{ fence: 1, outcome: 'completed', agent_id: agent.id }]);
    const failed = await act(agent, id, 'fail', { fence: lease.fence, error: 'no' });
    expect(failed.body['code']).toBe('lease_lost');
  });

  it('that end are taken back, and every write under the old fence is refused', async () => {
    const [agent, other] = (await agents(2)) as [TestAgent, TestAgent];
    const { id } = await createTask(plane, {}, token);
    only(await claim(plane, agent, { lease_seconds: 5 }));
    await plane.request('PATCH', `/api/v1/tasks/${id}`, { token, body: { max_retries: 5 } });
    const taken = only(await claim(second, other, { wait_seconds: 20 }));
    expect(taken).toMatchObject({ task: { id, attempts: 2, retry_count: 1 }, lease: { fence: 2 } });
    for (const [verb, body] of [['complete', {}], ['renew', {}], ['release', {}], ['fail', { error: 'x' }]] as const) {
      const late = await act(agent, id, verb, { fence: 1, ...body });
      expect([verb, late.status, late.body['code'], late.body['current']]).toEqual([verb, 409, 'lease_lost', 2]);
    }
    const [late] = (await plane.request<{ items: { ok: boolean; problem: { code: string } }[] }>('POST', '/api/v1/agent/tasks/complete', { token: agent.token, body: { items: [{ id, fence: 1 }] } })).body.items;
    expect(late).toMatchObject({ ok: false, problem: { code: 'lease_lost' } });
    expect((await act(other, id, 'complete', { fence: 2 })).status).toBe(200);
    expect((await read(id)).attempt_history).toMatchObject([{ fence: 1, outcome: 'expired', agent_id: agent.id }, { fence: 2, outcome: 'completed', agent_id: other.id }]);
  }, 40_000);

  it('are renewed with progress, and carry the commands that wait', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    const { id } = await createTask(plane, {}, token);
    const { lease } = only(await claim(plane, agent, { lease_seconds: 10 }));
    await plane.request('POST', `/api/v1/agents/${agent.id}/pause`, { token, body: { reason: 'window' } });
    const renewed = await act(agent, id, 'renew', { fence: lease.fence, lease_seconds: 600, progress_percent: 40, note: 'page 12' });
    const body = renewed.body as { lease: { expires_at: string }; commands: object[] };
    expect(new Date(body.lease.expires_at).getTime()).toBeGreaterThan(new Date(lease.expires_at).getTime() + 500_000);
    expect(body.commands).toMatchObject([{ command: 'pause', reason: 'window' }]);
    expect(await read(id)).toMatchObject({ progress_percent: 40, progress_note: 'page 12' });
    await createTask(plane, {}, token);
    expect(await claim(plane, agent)).toEqual([]);
    expect((await act(agent, id, 'complete', { fence: lease.fence })).status).toBe(200);
  });

  it('that are released do not count', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    const { id } = await createTask(plane, {}, token);
    const { lease } = only(await claim(plane, agent));
    expect((await act(agent, id, 'release', { fence: lease.fence })).body).toMatchObject({ status: 'queued', attempts: 0, retry_count: 0 });
    expect((await act(agent, id, 'release', { fence: lease.fence })).status).toBe(200);
    expect(only(await claim(plane, agent))).toMatchObject({ task: { id, attempts: 1 }, lease: { fence: 2 } });
  });

  it('that fail are tried again later, and at last become a dead letter with every attempt', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    const { id } = await createTask(plane, { title: 'Doomed', max_retries: 1 }, token);
    const first = only(await claim(plane, agent));
    const failed = await act(agent, id, 'fail', { fence: first.lease.fence, error: 'first' });
    expect(failed.body).toMatchObject({ status: 'queued', retry_count: 1, error: 'first' });
    expect(new Date(String(failed.body['available_at'])).getTime()).toBeGreaterThan(Date.now() + 200);
    expect(await claim(plane, agent)).toEqual([]);
    const again = only(await claim(plane, agent, { wait_seconds: 10 }));
    // The first call again, though the task has been claimed since.
    const repeated = await act(agent, id, 'fail', { fence: first.lease.fence, error: 'first' });
    expect(repeated).toMatchObject({ status: 200, body: { status: 'queued', retry_count: 1, fence: 1, claimed_by: null, revision: failed.body['revision'] } });
    expect((await act(agent, id, 'fail', { fence: again.lease.fence, error: 'second' })).body).toMatchObject({ status: 'dead_letter' });
    const letters = await plane.request<{ items: { id: string }[] }>('GET', '/api/v1/dead-letter', { token });
    expect(letters.body.items).toMatchObject([{ task_id: id, title: 'Doomed', reason: 'second', attempts: [{ fence: 1, error: 'first', agent_id: agent.id }, { fence: 2, error: 'second' }] }]);
    const retried = await plane.request('POST', `/api/v1/dead-letter/${letters.body.items[0]?.id}/retry`, { token, body: {} });
    expect(retried.body).toMatchObject({ id, status: 'queued', attempts: 0, retry_count: 0, retried_from: letters.body.items[0]?.id });
    expect(only(await claim(plane, agent)).lease.fence).toBe(3);
    expect((await plane.request<{ total: number }>('GET', '/api/v1/dead-letter', { token })).body.total).toBe(0);
  });

  it('that fail for good are not tried again', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    const { id } = await createTask(plane, {}, token);
    const { lease } = only(await claim(plane, agent));
    expect((await act(agent, id, 'fail', { fence: lease.fence, error: 'never', retryable: false })).body).toMatchObject({ status: 'dead_letter', retry_count: 0 });
    const stats = await plane.request('GET', '/api/v1/dead-letter/stats', { token });
    expect(stats.body).toMatchObject({ total: 1, last_24h: 1, top_reasons: [{ reason: 'never', count: 1 }] });
  });

  it('start all dead letters again, paced', async () => {
    const tasks = await Promise.all(Array.from({ length: 30 }, () => createTask(plane, {}, token)));
    for (const { id } of tasks) await plane.request('POST', '/api/v1/dead-letter', { token, body: { task_id: id, reason: 'by hand' } });
    const accepted = await plane.request('POST', '/api/v1/dead-letter/retry-all', { token, body: {} });
    expect(accepted.body).toEqual({ accepted: 30 });
    await eventually(async () => (await plane.request<{ total: number }>('GET', '/api/v1/tasks?status=queued', { token })).body.total === 30);
    expect((await plane.request<{ total: number }>('GET', '/api/v1/dead-letter', { token })).body.total).toBe(0);
  });

  it('are gone at once when their agent is killed, in every process, and the agent is refused until it is resumed', async () => {
    const [agent, other] = (await agents(2)) as [TestAgent, TestAgent];
    const { id } = await createTask(plane, {}, token);
    const { lease } = only(await claim(second, agent));
    expect((await plane.request('POST', `/api/v1/agents/${agent.id}/kill`, { token, body: { reason: 'rogue' } })).status).toBe(200);
    const refused = await act(agent, id, 'complete', { fence: lease.fence }, second);
    expect([refused.status, refused.body['code']]).toEqual([403, 'agent_killed']);
    expect(only(await claim(second, other))).toMatchObject({ task: { id, attempts: 1 }, lease: { fence: 2 } });
    await plane.request('POST', `/api/v1/agents/${agent.id}/resume`, { token, body: {} });
    expect((await act(agent, id, 'complete', { fence: lease.fence }, second)).body['code']).toBe('lease_lost');
    expect((await read(id)).attempt_history).toMatchObject([{ fence: 1, outcome: 'killed', error: 'rogue' }]);
  });

  it('wait no longer when their agent is resumed', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    await plane.request('POST', `/api/v1/agents/${agent.id}/pause`, { token, body: {} });
    const { id } = await createTask(plane, {}, token);
    const waiting = claim(second, agent, { wait_seconds: 20 });
    await plane.request('POST', `/api/v1/agents/${agent.id}/resume`, { token, body: {} });
    expect(only(await waiting).task.id).toBe(id);
  });

  it('complete in batches, each for itself', async () => {
    const [agent] = (await agents(1, { max_concurrent_tasks: 50 })) as [TestAgent];
    for (let i = 0; i < 5; i += 1) await createTask(plane, {}, token);
    const claims = await claim(plane, agent, { max: 5 });
    const items = [...claims.map(({ task, lease }) => ({ id: task.id, fence: lease.fence })), { id: claims[0]?.task.id, fence: 9 }, { id: randomUUID(), fence: 1 }];
    const answer = await plane.request<{ items: { ok: boolean; problem?: { code: string } }[] }>('POST', '/api/v1/agent/tasks/complete', { token: agent.token, body: { items } });
    expect(answer.body.items.map(({ ok, problem }) => problem?.code ?? ok)).toEqual([true, true, true, true, true, 'lease_lost', 'not_found']);
  });

  it('are not for people, and people are not for agents', async () => {
    const [agent] = (await agents(1)) as [TestAgent];
    expect((await plane.request('POST', '/api/v1/agent/tasks/claim', { token: ADMIN_TOKEN, body: {} })).status).toBe(403);
    expect((await plane.request('GET', '/api/v1/tasks', { token: agent.token })).status).toBe(403);
    for (const body of [{ max: 0 }, { max: 101 }, { max: '1' }, { lease_seconds: 4 }, { wait_seconds: 31 }, { nope: 1 }]) {
      expect((await plane.request('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body })).status).toBe(400);
    }
  });
});
