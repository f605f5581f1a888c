import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { REAPER_STATEMENTS } from '../../src/work/tasks/lease-reaper.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, ok, type TestAgent, type TestClaim, type TestTask, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

/** The order in which claims, writes under a lease, the reaper and control acts hold rows. */
describe('locks of leases', () => {
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

  const asAdmin = <T>(work: (admin: Client) => Promise<T>) => withAdmin(work, plane.database.name);
  const ask = <T extends object>(text: string, values: unknown[] = []) => asAdmin(async (admin) => (await admin.query<T>(text, values)).rows);
  const deadlocks = async () => (await ask<{ n: number }>('select deadlocks::int as n from pg_stat_database where datname = current_database()'))[0]?.n;
  const control = (agent: TestAgent, act: string) => other.request('POST', `/api/v1/agents/${agent.id}/${act}`, { token: ADMIN_TOKEN, body: act === 'stop' || act === 'start' ? undefined : { reason: 'test' } });
  const write = (on: Plane, agent: TestAgent, { task, lease }: TestClaim, what: string, more: object = {}) =>
    on.request('POST', `/api/v1/agent/tasks/${task.id}/${what}`, { token: agent.token, body: { fence: lease.fence, ...more } });

  it('renew, complete, release, claim, stop and kill about the same rows never deadlock, and no fence has two owners', async () => {
    const tool = unique('tool');
    const agents = await Promise.all([1, 2].map(() => createAgent(plane, { enabled_tools: [tool], max_concurrent_tasks: 20 })));
    const open = 60;
    await Promise.all(Array.from({ length: open }, () => createTask(plane, { required_tools: [tool] })));
    const before = await deadlocks();
    const answers: ApiResponse[] = [];
    const owners = new Map<string, string>();
    const twice: string[] = [];
    const until = performance.now() + 6_000;
    const note = async <T>(answer: Promise<ApiResponse<T>>): Promise<ApiResponse<T>> => {
      const known = await answer;
      answers.push(known as ApiResponse);
      return known;
    };
    const work = async (on: Plane, agent: TestAgent): Promise<void> => {
      while (performance.now() < until) {
        const { body, status } = await note(on.request<{ items: TestClaim[] }>('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: { max: 10, lease_seconds: 5 } }));
        const claims = status === 200 ? body.items : [];
        for (const { task, lease } of claims) {
          const name = `${task.id}/${lease.fence}`;
          if (owners.has(name)) twice.push(name);
          owners.set(name, agent.id);
        }
        const backwards = [...claims].reverse();
        await Promise.all([
          ...backwards.map((item) => note(write(other, agent, item, 'renew'))),
          ...claims.map((item, index) => note(write(plane, agent, item, index % 3 ? 'release' : 'complete'))),
        ]);
        const done = claims.filter((_, index) => index % 3 === 0).length;
        await Promise.all(Array.from({ length: done }, () => createTask(plane, { required_tools: [tool] })));
      }
    };
    const disturb = async (agent: TestAgent): Promise<void> => {
      for (let n = 0; performance.now() < until; n += 1) {
        await note(control(agent, n % 2 ? 'kill' : 'stop'));
        await note(control(agent, n % 2 ? 'resume' : 'start'));
        await new Promise((resolve) => setTimeout(resolve, 30 * Math.random()));
      }
    };
    await Promise.all(agents.flatMap((agent) => [work(plane, agent), work(other, agent), disturb(agent)]));
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(twice).toEqual([]);
    const recorded = await ask<{ name: string; agent_id: string }>(`select task_id || '/' || fence as name, agent_id from task_attempts`);
    expect(recorded.filter(({ name, agent_id }) => owners.has(name) && owners.get(name) !== agent_id)).toEqual([]);
    expect(recorded.length).toBeGreaterThan(50);
    expect(await ask(`select from task_attempts where outcome = 'killed'`)).not.toHaveLength(0);
    // Sessions report what they counted when they are idle, at most once a second.
    await ask('select pg_sleep(1.2)');
    expect(await deadlocks()).toBe(before);
  }, 60_000);

  it('an agent that is killed gives all back in one statement, and waiting agents are woken', async () => {
    const tool = unique('tool');
    const [victim, heir] = [await createAgent(plane, { enabled_tools: [tool], max_concurrent_tasks: 50 }), await createAgent(plane, { enabled_tools: [tool], max_concurrent_tasks: 50 })];
    await Promise.all(Array.from({ length: 30 }, () => createTask(plane, { required_tools: [tool] })));
    const held = await claim(plane, victim, { max: 50 });
    expect(held).toHaveLength(30);
    await ask(`create table statements (n int); create function count_statement() returns trigger security definer set search_path = public language plpgsql as
      $$ begin insert into statements values (1); return null; end $$; create trigger counted after insert on events for each statement execute function count_statement()`);
    const waiting = claim(other, heir, { max: 50, wait_seconds: 10 });
    await ok(plane.request('POST', `/api/v1/agents/${victim.id}/kill`, { token: ADMIN_TOKEN, body: {} }));
    expect((await waiting).length).toBeGreaterThan(0);
    await ask('drop trigger counted on events');
    const ids = held.map(({ task }) => task.id);
    const facts = await ask<{ tx: string }>(`select tx::text from events where name = 'task.updated' and data ->> 'status' = 'queued' and data ->> 'task_id' = any($1)`, [ids]);
    expect(facts).toHaveLength(30);
    expect((await ask<{ n: number }>('select count(*)::int as n from statements'))[0]?.n).toBeLessThan(10);
  });

  it('a row that a foreign key holds is handed out all the same', async () => {
    const agent = await createAgent(plane);
    const task = await createTask(plane);
    await asAdmin(async (admin) => {
      await admin.query('begin');
      await admin.query(`insert into task_comments (tenant_id, id, task_id, body, author_kind, author_id) select tenant_id, gen_random_uuid(), id, 'hello', 'user', 'x' from tasks where id = $1`, [task.id]);
      await admin.query(`insert into task_dependencies (tenant_id, task_id, depends_on) select tenant_id, id, $1 from tasks where id <> $1 limit 1`, [task.id]);
      expect((await claim(plane, agent, { max: 50 })).map((item: { task: TestTask }) => item.task.id)).toContain(task.id);
      await admin.query('rollback');
    });
  });

  it('a task that another is just being made to depend on is handed out, and does not complete unseen', async () => {
    const tool = unique('tool');
    const agent = await createAgent(plane);
    const first = await createTask(plane);
    const key = createHash('sha256').update(JSON.stringify([null, null, [tool]])).digest();
    await asAdmin(async (admin) => {
      // The second one's lane is being made by somebody who takes his time: it has looked at the first one by then.
      await admin.query('begin');
      await admin.query(`insert into task_lanes (tenant_id, key, required_tools) values ($1, $2, '{}')`, [OPERATOR_TENANT_ID, key]);
      const second = createTask(plane, { required_tools: [tool], depends_on: [first.id] });
      const waiting = async () => (await ask<{ n: number }>(`select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`))[0]?.n;
      await eventually(async () => (await waiting()) === 1);
      const held = (await claim(other, agent, { max: 50 })).find(({ task }) => task.id === first.id);
      expect(held).toBeDefined();
      const completed = write(other, agent, held as TestClaim, 'complete');
      await eventually(async () => (await waiting()) === 2);
      await admin.query('rollback');
      expect((await second).status).toBe('blocked');
      expect((await completed).status).toBe(200);
      const { id } = await second;
      await eventually(async () => (await ask<{ status: string }>('select status from tasks where id = $1', [id]))[0]?.status === 'queued');
    });
  });

  it('the reaper finds its tasks by an index among many', async () => {
    await ask(`insert into tasks (tenant_id, id, title, status, priority, priority_rank, lane_id, created_by_kind, created_by_id, ready)
      select tenant_id, gen_random_uuid(), 'many', case when n % 2 = 0 then 'completed' else 'queued' end, 'low', 3, lane_id, 'user', 'x', n % 2 = 1
      from generate_series(1, 100000) n, (select tenant_id, lane_id from tasks limit 1) one`);
    await ask('analyze tasks');
    for (const text of Object.values(REAPER_STATEMENTS)) {
      const plan = await asAdmin(async (admin) => {
        await admin.query('set role wheelhouse_system');
        return (await admin.query<{ 'QUERY PLAN': string }>(`explain ${text}`, [500])).rows.map((row) => row['QUERY PLAN']).join('\n');
      });
      expect(plan).toMatch(/Index Scan using tasks_(lease|delayed|deadline)/);
      expect(plan).not.toMatch(/Seq Scan on tasks/);
    }
  });
});
