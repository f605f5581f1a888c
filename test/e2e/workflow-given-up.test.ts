import { countingServer } from '../support/counting-server.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { control, ended, run, start, step, until, untilStep, work, workerOf, workflowOf } from '../support/runs.js';
import { plane, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(() => startTwo({ EGRESS_ALLOW: '127.0.0.1' }, { EGRESS_ALLOW: '127.0.0.1' }));
afterAll(stopTwo);

const ask = <T extends object>(text: string, values: unknown[]): Promise<T[]> => withAdmin(async (admin) => (await admin.query<T>(text, values)).rows, plane.database.name);
const tasksOf = (runId: string): Promise<{ status: string }[]> => ask(`select status from tasks where created_by_id = $1`, [`workflow-run:${runId}`]);

/** Something happens to the run that it cannot take in. */
const breakBy = (runId: string, path = 'not-there', output: unknown = { said: 7 }): Promise<object[]> =>
  ask(`insert into workflow_facts (tenant_id, id, run_id, path, attempt, outcome, output) select tenant_id, gen_random_uuid(), id, $2, 1, 'completed', $3 from workflow_runs where id = $1`, [runId, path, JSON.stringify(output)]);

const broken = (runId: string): Promise<unknown> => eventually(async () => ((await ask<{ breakages: number }>('select breakages from workflow_runs where id = $1', [runId]))[0]?.breakages ?? 0) >= 1);
/** Nobody looks at the run for a while. */
const leave = (runId: string): Promise<object[]> => ask(`update workflow_runs set broken_until = now() + interval '1 hour' where id = $1`, [runId]);
/** It has broken for about an hour. */
const wearOut = (runId: string): Promise<object[]> => ask(`update workflow_runs set breakages = 13, broken_until = null where id = $1`, [runId]);

describe('a run that breaks', () => {
  it('is tried again later, and given up when it has broken for about an hour: what it did is undone, what broke it is kept', async () => {
    const agent = await workerOf();
    const undo = { type: 'task', config: { title: 'Give back', required_tools: [agent.tool] } } as const;
    const runId = await start(await workflowOf([step('take', 'task', { config: { title: 'Take', required_tools: [agent.tool] }, compensate: undo }), step('nap', 'wait', { config: { seconds: 3_600 } }, 'take')]));
    await work(agent);
    await untilStep(runId, 'nap', 'waiting');
    await breakBy(runId);
    await broken(runId);
    expect(await run(runId)).toMatchObject({ status: 'running', unheard: [] });
    await wearOut(runId);
    expect((await work(agent))['title']).toBe('Give back');
    expect(await ended(runId)).toMatchObject({
      status: 'failed',
      error: { code: 'engine_error' },
      unheard: [{ path: 'not-there', attempt: 1, outcome: 'completed', output: { said: 7 }, reason: expect.stringContaining('not-there') as string, happened_at: expect.any(String) as string }],
    });
  });

  it('takes in what happened to it beside that, however much, and undoes that as well', async () => {
    const agent = await workerOf();
    const server = await countingServer();
    const asked: string[] = [];
    server.answer = (request, response) => {
      asked.push(request.method ?? '');
      response.setHeader('content-type', 'application/json').end('{"id":5}');
    };
    const call = step('call', 'http', { config: { method: 'POST', url: server.url }, compensate: { type: 'http', config: { method: 'DELETE', url: `${server.url}/{% $steps.call.output.body.id %}` } } });
    const config = { title: 'Take', required_tools: [agent.tool] };
    const each = step('all', 'map', { config: { items: '{% [1..20] %}', concurrency: 20 }, scopes: [{ name: 'each', steps: [step('take', 'task', { config, compensate: { type: 'transform', config: { output: 'given back' } } })] }] });
    const runId = await start(await workflowOf([each, step('wait', 'wait', { config: { seconds: 3_600 } }), { ...call, depends_on: [] }]));
    await untilStep(runId, 'call', 'completed');
    await leave(runId);
    for (let count = 0; count < 10; count += 1) await work(agent);
    for (const path of ['not-there', 'nor-this']) await breakBy(runId, path);
    for (let count = 0; count < 9; count += 1) await work(agent);
    await eventually(async () => (await ask('select 1 from workflow_facts where run_id = $1', [runId])).length >= 21);
    await wearOut(runId);
    const { unheard, steps } = await ended(runId);
    expect((unheard as { path: string }[]).map(({ path }) => path).sort()).toEqual(['nor-this', 'not-there']);
    expect(steps.filter(({ path, undone }) => path.endsWith('/take') && undone === true)).toHaveLength(19);
    expect(asked).toEqual(['POST', 'DELETE']);
    await eventually(async () => (await tasksOf(runId)).every(({ status }) => status === 'completed' || status === 'cancelled'));
    await server.close();
  });

  it('while it is undone goes on with that, and keeps what broke it', async () => {
    const agent = await workerOf();
    const config = { title: 'Take', required_tools: [agent.tool] };
    const runId = await start(await workflowOf([step('take', 'task', { config, compensate: { type: 'task', config } }), step('nap', 'wait', { config: { seconds: 3_600 } }, 'take')]));
    await work(agent);
    await untilStep(runId, 'nap', 'waiting');
    expect((await control(runId, 'cancel')).status).toBe(200);
    await breakBy(runId);
    await broken(runId);
    await wearOut(runId);
    await eventually(async () => ((await run(runId))['unheard'] as object[]).length === 1);
    await work(agent);
    expect(await ended(runId)).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' }, unheard: [{ path: 'not-there' }] });
  });

  it('while it is undone, and not because of anything that happened, ends as it was to, and nobody works on for it', async () => {
    const agent = await workerOf();
    const config = { title: 'Take', required_tools: [agent.tool] };
    const runId = await start(await workflowOf([step('take', 'task', { config, compensate: { type: 'task', config } }), step('nap', 'wait', { config: { seconds: 3_600 } }, 'take')]));
    await work(agent);
    await untilStep(runId, 'nap', 'waiting');
    expect((await control(runId, 'cancel')).status).toBe(200);
    await until(runId, 'compensating');
    await ask(`insert into workflow_steps (tenant_id, run_id, path, scope, type, status, due_at) select tenant_id, id, 'no-step', '', 'wait', 'waiting', now() from workflow_runs where id = $1`, [runId]);
    await broken(runId);
    await wearOut(runId);
    await eventually(async () => (await ask<{ status: string }>('select status from workflow_runs where id = $1', [runId]))[0]?.status === 'cancelled');
    expect(await ask('select error from workflow_runs where id = $1', [runId])).toMatchObject([{ error: { code: 'engine_error', message: expect.stringContaining('not undone') as string } }]);
    expect((await tasksOf(runId)).map(({ status }) => status).sort()).toEqual(['cancelled', 'completed']);
  });

  it('can be cancelled by whoever looks at it: it is given up at once, undone, and what broke it is kept', async () => {
    const agent = await workerOf();
    const config = { title: 'Take', required_tools: [agent.tool] };
    const undo = { type: 'transform', config: { output: 'given back' } } as const;
    const runId = await start(await workflowOf([step('take', 'task', { config, compensate: undo }), step('late', 'task', { config, compensate: undo }, 'take'), step('nap', 'wait', { config: { seconds: 3_600 } }, 'late')]));
    await work(agent);
    await untilStep(runId, 'late', 'waiting');
    await breakBy(runId);
    await broken(runId);
    await leave(runId);
    await work(agent);
    await eventually(async () => (await ask('select 1 from workflow_facts where run_id = $1', [runId])).length >= 2);
    expect(await control(runId, 'cancel', { reason: 'It hangs.' })).toMatchObject({ status: 200, body: { id: runId } });
    const done = await ended(runId);
    expect(done).toMatchObject({ status: 'cancelled', error: { code: 'cancelled', message: 'It hangs.' }, unheard: [{ path: 'not-there' }], breakage: null });
    expect(done.steps.filter(({ undone }) => undone === true).map(({ path }) => path)).toEqual(['late', 'take']);
    expect((await control(runId, 'cancel')).status).toBe(409);
  });

  it('can be paused and resumed, and what broke it stays where it is', async () => {
    const runId = await start(await workflowOf([step('nap', 'wait', { config: { seconds: 3_600 } })]));
    await untilStep(runId, 'nap', 'waiting');
    await breakBy(runId);
    await broken(runId);
    expect(await control(runId, 'pause')).toMatchObject({ status: 200, body: { status: 'paused' } });
    await broken(runId);
    expect(await control(runId, 'resume')).toMatchObject({ status: 200, body: { status: 'running' } });
    await broken(runId);
    expect(await ask('select path from workflow_facts where run_id = $1', [runId])).toEqual([{ path: 'not-there' }]);
  });
});
