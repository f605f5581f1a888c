import { setTimeout as sleep } from 'node:timers/promises';
import { generate, runDbos } from './child.ts';
import { inPairs, type Row } from './in-pairs.ts';
import type { BenchOptions } from './options.ts';
import { type Measurement, summarise } from './stats.ts';
import { CLIENTS, type World } from './world.ts';

/** What workflows cost. */
export const WORKFLOW_MEASURES: Record<string, (world: World, options: BenchOptions) => Promise<Row[]>> = { workflows, 'workflow-latency': latency };

const STEPS = 5;
const LONG_CHAIN = 10_000;
/** Runs that go on side by side while the latency is measured. */
const SIDE_BY_SIDE = 8;
const PATIENCE_MS = 120_000;

type Headers = Record<string, string>;

/** Five steps: worked out by the plane, beside the peer's; and each done by an agent over HTTP. */
async function workflows(world: World, options: BenchOptions): Promise<Row[]> {
  const headers = await world.signIn();
  const inner = await make(world, headers, chain(STEPS, (n, before) => ({ type: 'transform', config: { output: before ? `{% $steps.${before}.output + ${n + 1} %}` : 1 } })));
  const ours = (): Promise<Measurement> => startAndFinish(world, headers, inner, options.seconds);
  const peer = (): Promise<Measurement> => runDbos({ url: world.urlOf('bench_dbos'), seconds: options.seconds, clients: CLIENTS });
  // What is said once is not what is measured: both have seen a workflow before.
  await startAndFinish(world, headers, inner, 1);
  const { p50: _p50, p99: _p99, ...beside } = await inPairs('a workflow of five steps, started over HTTP, until it has ended', 'workflows/s', 'DBOS in process', options.rounds, ours, peer);
  return [beside, await long(world, headers)];
}

/** One run of very many steps. */
async function long(world: World, headers: Headers): Promise<Row> {
  const id = await make(world, headers, chain(LONG_CHAIN, () => ({ type: 'transform' })));
  const { perSecond, errors } = await finished(world, id, 1, () => run(world, headers, id));
  return { what: `one workflow of ${LONG_CHAIN.toLocaleString('en')} steps in a row`, unit: 'steps/s', ours: perSecond * LONG_CHAIN, errors };
}

/** Starts runs for so long; the time counts until the last has ended. */
async function startAndFinish(world: World, headers: Headers, workflowId: string, seconds: number): Promise<Measurement> {
  await clear(world);
  return finished(world, workflowId, undefined, () => generate({ kind: 'start-run', url: world.plane.url, clients: Array.from({ length: CLIENTS }, () => headers), seconds, path: `/api/v1/workflows/${workflowId}/run` }));
}

/** @param wanted how many runs there will be; left out, as many as there are in the end */
async function finished(world: World, workflowId: string, wanted: number | undefined, start: () => Promise<unknown>): Promise<Measurement> {
  await start();
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(50)) {
    const [row] = await world.admin<{ open: number; count: number; seconds: number; failed: number }>(
      'wheelhouse',
      `select count(*) filter (where ended_at is null)::int as open, count(*)::int as count, count(*) filter (where status = 'failed')::int as failed,
         extract(epoch from max(ended_at) - min(created_at))::float8 as seconds from workflow_runs where workflow_id = '${workflowId}' and parent_run_id is null`,
    );
    if (row && row.open === 0 && row.count >= (wanted ?? 1)) return { perSecond: row.count / row.seconds, p50: NaN, p99: NaN, errors: row.failed };
  }
  throw new Error('runs did not end');
}

/** From the answer to an agent that has done a step to the answer that gives the next one to the agent that waits for it, beside others. */
async function latency(world: World, options: BenchOptions): Promise<Row[]> {
  const headers = await world.signIn();
  await clear(world);
  const latencies: number[] = [];
  const begun = performance.now();
  const isOver = (): boolean => performance.now() - begun > options.seconds * 1_000;
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, index) => workThrough(world, headers, index, isOver, latencies)));
  const { perSecond, p50, p99, errors } = summarise(latencies, (performance.now() - begun) / 1_000, 0);
  return [
    { what: `a done step is followed by the next one, ${SIDE_BY_SIDE} runs side by side`, unit: 'ms (p50)', ours: p50, p50, p99, errors },
    { what: 'steps of workflows that agents do over HTTP', unit: 'steps/s', ours: perSecond, errors },
  ];
}

/** One agent and one workflow of tasks for it, run again and again. */
async function workThrough(world: World, headers: Headers, index: number, isOver: () => boolean, latencies: number[]): Promise<void> {
  const tool = `latency-${index}-${Date.now()}`;
  const { token } = (await (await world.send('POST', '/api/v1/agents', { name: tool, enabled_tools: [tool], max_concurrent_tasks: 10 }, headers)).json()) as { token: string };
  const agent = { 'x-agent-token': token };
  const id = await make(world, headers, chain(STEPS, () => ({ type: 'task', config: { title: 'Work', required_tools: [tool] } })));
  while (!isOver()) {
    await run(world, headers, id);
    let done = 0;
    for (let step = 0; step < STEPS; step += 1) {
      const { items } = (await (await world.send('POST', '/api/v1/agent/tasks/claim', { max: 1, wait_seconds: 20 }, agent)).json()) as { items: { task: { id: string }; lease: { fence: number } }[] };
      const [item] = items;
      if (!item) throw new Error('the next step did not come');
      if (step > 0) latencies.push(performance.now() - done);
      await world.send('POST', `/api/v1/agent/tasks/${item.task.id}/complete`, { fence: item.lease.fence, result: { ok: true } }, agent);
      done = performance.now();
    }
  }
}

function chain(length: number, stepOf: (n: number, before: string | undefined) => object): object[] {
  return Array.from({ length }, (_, n) => ({ key: `s${n}`, ...stepOf(n, n === 0 ? undefined : `s${n - 1}`), ...(n === 0 ? {} : { depends_on: [`s${n - 1}`] }) }));
}

async function make(world: World, headers: Headers, steps: object[]): Promise<string> {
  return ((await (await world.send('POST', '/api/v1/workflows', { name: 'Bench', steps }, headers)).json()) as { id: string }).id;
}

const run = (world: World, headers: Headers, workflowId: string): Promise<unknown> => world.send('POST', `/api/v1/workflows/${workflowId}/run`, {}, headers);

async function clear(world: World): Promise<void> {
  await world.admin('wheelhouse', 'truncate tasks, task_attempts, events, workflow_runs cascade');
  await world.settle();
}
