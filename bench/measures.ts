import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate, runPgBoss } from './child.ts';
import { inPairs, type Row } from './in-pairs.ts';
import type { Load } from './loads.ts';
import type { BenchOptions } from './options.ts';
import { median, type Measurement, middleOf } from './stats.ts';
import { SECURITY_MEASURES } from './security-measures.ts';
import { TRIGGER_MEASURES } from './trigger-measures.ts';
import { WEBHOOK_MEASURES } from './webhook-measures.ts';
import { WORKFLOW_MEASURES } from './workflow-measures.ts';
import { CLIENTS, type World } from './world.ts';

const AGENT_PATH = '/api/v1/agent/tasks';
const TASK_PATH = '/api/v1/tasks';

/** Everything that can be measured, by the name it is chosen by. */
export const MEASURES: Record<string, (world: World, options: BenchOptions) => Promise<Row[]>> = {
  start: startUp,
  create: (world, options) => single(world, options, 'create', 'create a task'),
  read: (world, options) => single(world, options, 'read', 'read a task'),
  list: (world, options) => single(world, options, 'list', 'list 50 tasks'),
  claim: (world, options) => claims(world, options, 1),
  batch: (world, options) => claims(world, options, 50),
  wake: wakeUp,
  size: bySize,
  ...SECURITY_MEASURES,
  ...WEBHOOK_MEASURES,
  ...TRIGGER_MEASURES,
  ...WORKFLOW_MEASURES,
};

async function single(world: World, options: BenchOptions, kind: 'create' | 'read' | 'list', what: string): Promise<Row[]> {
  const ours: Load = { kind, url: world.plane.url, clients: world.keys, seconds: options.seconds, path: TASK_PATH };
  const bare: Load = { ...ours, url: world.bare.url, clients: world.keys.map(() => ({})), path: '/tasks' };
  if (kind !== 'create') {
    for (const load of [ours, bare]) await generate({ ...load, kind: 'create', seconds: 1 });
    ours.ids = (await world.admin<{ id: string }>('wheelhouse', 'select id from tasks limit 1000')).map(({ id }) => id);
    bare.ids = (await world.admin<{ id: string }>('bench_bare', 'select id from bare_tasks limit 1000')).map(({ id }) => id);
  }
  await world.settle();
  return [
    await inPairs(
      what,
      'requests/s',
      'Express + pg',
      options.rounds,
      () => generate(ours),
      () => generate(bare),
    ),
  ];
}

async function claims(world: World, options: BenchOptions, batch: 1 | 50): Promise<Row[]> {
  const need = Math.ceil((options.seconds + 2) * (batch === 1 ? 4_000 : 25_000));
  const ours = async (): Promise<Measurement> => {
    await clearTasks(world);
    await world.queueTasks(need);
    await world.settle();
    return generate({
      kind: batch === 1 ? 'claim' : 'claim-batch',
      url: world.plane.url,
      clients: world.agents,
      seconds: options.seconds,
      path: AGENT_PATH,
    });
  };
  const boss = (): Promise<Measurement> =>
    runPgBoss({ url: world.urlOf('bench_boss'), seconds: options.seconds, clients: CLIENTS, batch, jobs: need });
  const what = batch === 1 ? 'claim + complete, one by one' : 'claim + complete, batches of 50';
  return [await inPairs(what, 'tasks/s', 'pg-boss in process', options.rounds, ours, boss)];
}

async function clearTasks(world: World): Promise<void> {
  await world.admin('wheelhouse', 'truncate tasks, task_attempts, events cascade');
}

async function wakeUp(world: World, options: BenchOptions): Promise<Row[]> {
  await clearTasks(world);
  const [maker] = world.keys;
  const runs: Measurement[] = [];
  for (let round = 0; round < options.rounds; round++) {
    runs.push(
      await generate({
        kind: 'wake-up',
        url: world.plane.url,
        clients: world.agents.slice(0, 1),
        seconds: options.seconds * 2,
        path: AGENT_PATH,
        ...(maker ? { maker } : {}),
      }),
    );
  }
  const middle = middleOf(runs);
  return [
    {
      what: 'a waiting agent gets a new task',
      unit: 'ms (p50)',
      ours: middle.p50,
      p50: middle.p50,
      p99: middle.p99,
      errors: middle.errors,
    },
  ];
}

/** The same with few and with many tasks: one in five waits, the others are done. */
async function bySize(world: World, options: BenchOptions): Promise<Row[]> {
  const loads: [string, Load][] = [
    ['list 50 tasks', { kind: 'list', url: world.plane.url, clients: world.keys.slice(0, 4), seconds: options.seconds, path: TASK_PATH }],
    [
      'list 50 queued tasks',
      { kind: 'list', url: world.plane.url, clients: world.keys.slice(0, 4), seconds: options.seconds, path: `${TASK_PATH}?status=queued` },
    ],
    [
      'claim + complete',
      { kind: 'claim', url: world.plane.url, clients: world.agents.slice(0, 4), seconds: options.seconds, path: AGENT_PATH },
    ],
  ];
  const results = new Map<string, Measurement[]>();
  await clearTasks(world);
  let present = 0;
  for (const size of [10_000, options.rows]) {
    await world.queueTasks(Math.round((size - present) * 0.8), 'completed');
    // Enough that the claims do not empty the small table.
    await world.queueTasks(Math.round((size - present) * 0.2) + (present === 0 ? options.seconds * 4_000 : 0));
    present = size;
    await world.settle();
    for (const [what, load] of loads) results.set(what, [...(results.get(what) ?? []), await generate(load)]);
  }
  return [...results].flatMap(([what, [small, large]]) => {
    if (!small || !large) return [];
    const errors = small.errors + large.errors;
    return [
      { what: `${what}, at 10,000 tasks`, unit: 'ms (p50)', ours: small.p50, p50: small.p50, p99: small.p99, errors },
      {
        what: `${what}, at ${options.rows.toLocaleString('en')} tasks`,
        unit: 'ms (p50)',
        ours: large.p50,
        ratio: large.p99 / small.p99,
        p50: large.p50,
        p99: large.p99,
        errors,
      },
    ];
  });
}

/** A second process on a database that is there already, until it is ready; then its memory when it has calmed down. */
async function startUp(world: World, options: BenchOptions): Promise<Row[]> {
  const times: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const plane = await world.newPlane();
    const begun = performance.now();
    await plane.start();
    times.push(performance.now() - begun);
    await sleep(10_000);
    memory.push(residentMegabytes(plane.pid ?? 0));
    await plane.stop();
  }
  return [
    { what: 'ready after start, database already made', unit: 's', ours: median(times) / 1000, errors: 0 },
    { what: 'idle memory, API and jobs in one process', unit: 'MB', ours: median(memory), errors: 0 },
  ];
}

/** Only on Linux; elsewhere it is not known. */
function residentMegabytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN) / 1024;
  } catch {
    return NaN;
  }
}
