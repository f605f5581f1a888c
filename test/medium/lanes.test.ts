import { TransactionHost } from '@nestjs-cls/transactional';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { LaneRemovalService } from '../../src/work/tasks/lane-removal.service.js';
import { LaneTimes } from '../../src/work/tasks/lane-times.js';
import { TaskLanesRepository } from '../../src/work/tasks/task-lanes.repository.js';
import { withAdmin } from '../support/databases.js';
import { claim, createAgent, createTask, ok, type TestAgent, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

/** Lanes are removed when no task waits in them, and no task is ever left behind in one. */
describe('lanes', () => {
  let plane: Plane;
  let other: Plane;
  beforeAll(async () => {
    plane = await startPlane();
    other = await startPlane({ database: plane.database });
  });
  afterAll(async () => {
    await other.stop();
    await plane.stop();
  });
  beforeEach(() => times(60_000, 300_000));

  const times = (knownMs: number, removeAfterMs: number): void =>
    [plane, other].forEach(({ app }) => Object.assign(app.get(LaneTimes), { knownMs, removeAfterMs }));
  const round = (on: Plane = plane): Promise<void> => on.app.get(LaneRemovalService).round(new AbortController().signal);
  const ask = <T extends object>(text: string, values: unknown[] = []) => withAdmin(async (admin) => (await admin.query<T>(text, values)).rows, plane.database.name);
  const later = () => ask(`update task_lanes set idle_since = idle_since - interval '6 minutes'`);
  const laneOf = async (tool: string) => (await ask<{ id: string; idle: boolean }>('select id::text, idle_since is not null as idle from task_lanes where required_tools = $1', [[tool]]))[0];
  const complete = async (agent: TestAgent): Promise<number> => {
    const claims = await claim(plane, agent, { max: 50 });
    await Promise.all(claims.map(({ task, lease }) => ok(plane.request('POST', `/api/v1/agent/tasks/${task.id}/complete`, { token: agent.token, body: { fence: lease.fence } }))));
    return claims.length;
  };

  it('go when their last task has ended some minutes ago, and come back with the next', async () => {
    const tool = unique('tool');
    const agent = await createAgent(plane, { enabled_tools: [tool], max_concurrent_tasks: 50 });
    await createTask(plane, { required_tools: [tool] });
    await round();
    await later();
    await round();
    expect(await laneOf(tool)).toMatchObject({ idle: false });
    expect(await complete(agent)).toBe(1);
    await round();
    await round();
    expect(await laneOf(tool)).toMatchObject({ idle: true });
    await later();
    await round();
    expect(await laneOf(tool)).toBeUndefined();
    // A process that has not known the lane makes it again; `plane` knows a lane that is not there.
    await createTask(other, { required_tools: [tool] });
    expect(await complete(agent)).toBe(1);
  });

  it('lose their mark when they are used, and are not removed under a transaction that uses them', async () => {
    const tool = unique('tool');
    const agent = await createAgent(plane, { enabled_tools: [tool] });
    await createTask(plane, { required_tools: [tool] });
    await complete(agent);
    await round();
    await later();
    const lane = { agent_id: null, board_id: null, required_tools: [tool] };
    const before = await laneOf(tool);
    await other.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', () =>
      other.app.get(TransactionHost).withTransaction(async () => {
        expect(await other.app.get(TaskLanesRepository).idOf(OPERATOR_TENANT_ID, lane)).toBe(before?.id);
        await round();
      }),
    );
    await round();
    expect(await laneOf(tool)).toMatchObject({ id: before?.id });
  });

  it('that were rolled back are not remembered', async () => {
    const lane = { agent_id: null, board_id: null, required_tools: [unique('tool')] };
    const lanes = other.app.get(TaskLanesRepository);
    const inTransaction = <T>(work: () => Promise<T>) =>
      other.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', () => other.app.get(TransactionHost).withTransaction(work));
    const attempt = inTransaction(async () => {
      await lanes.idOf(OPERATOR_TENANT_ID, lane);
      await lanes.idOf(OPERATOR_TENANT_ID, lane);
      throw new Error('rolled back');
    });
    await expect(attempt).rejects.toThrow('rolled back');
    const id = await inTransaction(() => lanes.idOf(OPERATOR_TENANT_ID, lane));
    expect((await laneOf(lane.required_tools[0] ?? ''))?.id).toBe(id);
  });

  it('that are gone under a sleeper get his tasks back', async () => {
    const tool = unique('tool');
    const agent = await createAgent(plane, { enabled_tools: [tool] });
    // Twice: a lane that a transaction has made itself is known from the next look-up on.
    await createTask(plane, { required_tools: [tool] });
    await createTask(plane, { required_tools: [tool] });
    await ask('delete from task_lanes where required_tools = $1', [[tool]]);
    await createTask(plane, { required_tools: [tool] });
    expect(await claim(plane, agent)).toHaveLength(0);
    await round(other);
    expect(await complete(agent)).toBe(3);
  });

  it('are found again by a dead letter that is retried after they went', async () => {
    times(1, 300_000);
    const tool = unique('tool');
    const agent = await createAgent(plane, { enabled_tools: [tool] });
    const task = await createTask(plane, { required_tools: [tool], max_retries: 0 });
    const [taken] = await claim(plane, agent);
    await ok(plane.request('POST', `/api/v1/agent/tasks/${task.id}/fail`, { token: agent.token, body: { fence: taken?.lease.fence, error: 'no', retryable: false } }));
    await round();
    await later();
    await round();
    expect(await laneOf(tool)).toBeUndefined();
    const [letter] = (await ok(plane.request<{ items: { id: string }[] }>('GET', '/api/v1/dead-letter', { token: ADMIN_TOKEN }))).items;
    await ok(plane.request('POST', `/api/v1/dead-letter/${letter?.id}/retry`, { token: ADMIN_TOKEN }));
    expect(await claim(plane, agent)).toHaveLength(1);
  });

  it('may come and go while tasks come in: every task is handed out', async () => {
    times(20, 150);
    const tools = Array.from({ length: 6 }, () => unique('tool'));
    const agent = await createAgent(plane, { enabled_tools: tools, max_concurrent_tasks: 200 });
    const until = performance.now() + 5_000;
    const busy = () => performance.now() < until;
    let [made, done] = [0, 0];
    const create = async (on: Plane, tool: string): Promise<void> => {
      for (; busy(); made += 1) {
        await createTask(on, { required_tools: [tool] });
        // Long enough for the lane to become idle now and then.
        if (Math.random() < 0.2) await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 800));
      }
    };
    const work = async (): Promise<void> => {
      while (busy()) done += await complete(agent);
    };
    const remove = async (on: Plane): Promise<void> => {
      while (busy()) await round(on);
    };
    await Promise.all([...tools.map((tool, index) => create(index % 2 ? plane : other, tool)), work(), remove(plane), remove(other)]);
    await round();
    for (let more = 1; more > 0; done += more) more = await complete(agent);
    expect(done).toBe(made);
    const [lanes] = await ask<{ n: number }>('select count(distinct lane_id)::int as n from tasks where required_tools && $1', [tools]);
    expect(lanes?.n).toBeGreaterThan(tools.length);
  });

  it('that are dead are removed, thousands of them at once', async () => {
    const dead = `from task_lanes where tenant_id = $1 and key in (select sha256(n::text::bytea) from generate_series(1, 5000) n)`;
    await ask(`insert into task_lanes (tenant_id, key, required_tools) select $1, sha256(n::text::bytea), '{}' from generate_series(1, 5000) n`, [OPERATOR_TENANT_ID]);
    await round();
    await later();
    await round();
    expect(await ask(`select ${dead}`, [OPERATOR_TENANT_ID])).toHaveLength(0);
  });
});
