import { newId, OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RunsRepository } from '../../src/work/workflows/engine/runs.repository.js';
import { countingServer } from '../support/counting-server.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTenant, createUser } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';
import { control, run, start, step, workflowOf } from '../support/runs.js';

const [MOST_RUNS, MOST_FACTS] = [20, 50];
let plane: Plane;
let runs: RunsRepository;
let other: string;

/** Nobody moves a run on here: only what would be found is looked at. */
beforeAll(async () => {
  plane = await startPlane({ environment: { PROCESS_ROLE: 'api' } });
  runs = plane.app.get(RunsRepository);
  other = (await createTenant(plane)).id;
});
afterAll(() => plane.stop());

const ask = (text: string, values: unknown[]): Promise<unknown> => withAdmin((admin) => admin.query(text, values), plane.database.name);

/** Runs of a tenant that are to begin. @param age of the first, in hours */
async function pending(tenantId: string, count: number, age: number): Promise<void> {
  const workflowId = await workflowOf([step('a', 'transform')], {}, tenantId, plane);
  await ask(
    `insert into workflow_runs (tenant_id, id, workflow_id, version, status, started_by_kind, started_by_id, root_run_id, created_at)
     select $1, id, $2, 1, 'pending', 'user', 'test', id, now() - make_interval(hours => $4, secs => -n) from (select n, gen_random_uuid() as id from generate_series(1, $3::int) n) new`,
    [tenantId, workflowId, count, age],
  );
}

describe('what is to be done', () => {
  it('is found of every tenant, though one has begun very many runs before', async () => {
    await pending(OPERATOR_TENANT_ID, 500, 2);
    await pending(other, 1, 1);
    const due = await runs.due(MOST_RUNS, MOST_FACTS);
    expect([...due].map(([tenantId, ids]) => [tenantId, ids.length])).toEqual(expect.arrayContaining([[OPERATOR_TENANT_ID, MOST_RUNS], [other, 1]]));
  });

  it('is found of every tenant, though very much has happened to the runs of one', async () => {
    await ask(`insert into workflow_facts (tenant_id, id, run_id, path, attempt, outcome, created_at) select r.tenant_id, gen_random_uuid(), r.id, 'a', 1, 'completed', now() - interval '3 hours' from (select * from workflow_runs where tenant_id = $1 limit 1) r, generate_series(1, 300)`, [OPERATOR_TENANT_ID]);
    await ask(`update workflow_runs set status = 'running'`, []);
    await ask(`insert into workflow_facts (tenant_id, id, run_id, path, attempt, outcome) select tenant_id, $2, id, 'a', 1, 'completed' from workflow_runs where tenant_id = $1`, [other, newId()]);
    const due = await runs.due(MOST_RUNS, MOST_FACTS);
    expect([...due].map(([tenantId, ids]) => [tenantId, ids.length]).sort()).toEqual([[OPERATOR_TENANT_ID, 1], [other, 1]].sort());
  });
});

describe('a run that has much to do', () => {
  let alone: Plane;
  beforeAll(async () => {
    alone = await startPlane();
  });
  afterAll(() => alone.stop());

  it('holds up no other run of its tenant, though one process moves them all', async () => {
    const count = async (runId: string): Promise<number> => (await withAdmin((admin) => admin.query(`select 1 from workflow_steps where run_id = $1 and status = 'completed'`, [runId]), alone.database.name)).rowCount ?? 0;
    const slow = step('item', 'transform', { config: { output: '{% $sum($map([1..1500], function($n) { $n * 2 })) %}' } });
    const each = step('all', 'map', { config: { items: '{% [1..1200] %}' }, scopes: [{ name: 'each', steps: [slow] }] });
    const busy = await start(await workflowOf([each], {}, undefined, alone), {}, undefined, alone);
    await eventually(async () => (await count(busy)) > 3);
    const other = await start(await workflowOf([step('a', 'transform')], {}, undefined, alone), {}, undefined, alone);
    await eventually(async () => (await run(other, undefined, alone)).status === 'completed');
    expect(await run(busy, undefined, alone)).toMatchObject({ status: 'running' });
    expect((await control(busy, 'cancel', {}, undefined, alone)).status).toBe(200);
  });
});

describe('calls', () => {
  let calling: Plane;
  beforeAll(async () => {
    calling = await startPlane({ environment: { EGRESS_ALLOW: '127.0.0.1' } });
  });
  afterAll(() => calling.stop());

  it('of one tenant to a host that never answers hold up no call of another, and each is made once', async () => {
    const [slow, quick] = [await countingServer(), await countingServer()];
    slow.answer = () => undefined;
    const { id: tenantId } = await createTenant(calling);
    const { token } = await createUser(calling, { role: 'admin', tenant: tenantId });
    const hang = step('call', 'http', { config: { url: slow.url } });
    const each = step('all', 'map', { config: { items: '{% [1..5000] %}', concurrency: 100 }, scopes: [{ name: 'each', steps: [hang] }] });
    const busy = await start(await workflowOf([each], {}, undefined, calling), {}, undefined, calling);
    await eventually(() => slow.requests >= 8);
    const other = await start(await workflowOf([step('call', 'http', { config: { url: quick.url } })], {}, tenantId, calling), {}, token, calling);
    await eventually(async () => (await run(other, token, calling)).status === 'completed');
    expect(quick.requests).toBe(1);
    expect(slow.requests).toBe(16);
    expect((await control(busy, 'cancel', {}, undefined, calling)).status).toBe(200);
    await Promise.all([slow.close(), quick.close()]);
  });
});
