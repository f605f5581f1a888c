import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { generate, writeAuditRows } from './child.ts';
import { inPairs, type Row } from './in-pairs.ts';
import type { Load, Target } from './loads.ts';
import type { BenchOptions } from './options.ts';
import { median, type Measurement, middleOf } from './stats.ts';
import { CLIENTS, type World } from './world.ts';

type Measure = (world: World, options: BenchOptions) => Promise<Row[]>;

/** What security costs. */
export const SECURITY_MEASURES: Record<string, Measure> = { token: tokenCheck, tokens: tokenCheckBySize, login: logins, reveal, sealing };

/** More than a process keeps in mind for two seconds of this load. */
const TOKENS = 10_000;
const SIGNING_IN = 16;
const OTHERS = 8;
const ROWS_PER_SECOND = 2_000;

/** The same request, as an agent and as a person, beside one that looks its token up and does nothing else of all that. */
async function tokenCheck(world: World, options: BenchOptions): Promise<Row[]> {
  const [session, agents] = [await world.signIn(), await addAgents(world, CLIENTS)];
  await generate({ kind: 'create', url: world.bare.url, clients: [{}], seconds: 1, path: '/tasks' });
  const bareIds = await world.admin<{ id: string }>('bench_bare', `select id from bare_tasks limit ${CLIENTS}`);
  const load = { kind: 'get' as const, clients: agents.map(() => ({})), seconds: options.seconds, path: '' };
  const bare: Load = { ...load, url: world.bare.url, targets: bareIds.map(({ id }, index) => ({ path: `/owned/${id}`, headers: { 'x-token': `bare-${index + 1}` } })) };
  const loads: [string, Target[]][] = [
    ["read a task with an agent's token", agents],
    ['read a task with a session', agents.map(({ path }) => ({ path: path.replace('/agent/', '/'), headers: session }))],
  ];
  const rows: Row[] = [];
  for (const [what, targets] of loads) {
    const ours: Load = { ...load, url: world.plane.url, targets };
    rows.push(await inPairs(what, 'requests/s', 'Express + pg, token look-up', options.rounds, () => generate(ours), () => generate(bare)));
  }
  return rows;
}

/** With tokens that are used so rarely that nearly each is looked up, in a small table and in a large one. */
async function tokenCheckBySize(world: World, options: BenchOptions): Promise<Row[]> {
  const targets = await addAgents(world, TOKENS);
  const load: Load = { kind: 'get', url: world.plane.url, clients: world.agents.slice(0, 4), seconds: options.seconds, path: '', targets };
  const small = await several(world, options, load);
  await addOthers(world, options.rows - TOKENS);
  const large = await several(world, options, load);
  const row = (size: number, { perSecond, p50, p99, errors }: Measurement): Row => ({ what: `read a task with one of ${size.toLocaleString('en')} agents' tokens`, unit: 'requests/s', ours: perSecond, p50, p99, errors });
  return [row(TOKENS, small), { ...row(options.rows, large), ratio: large.p99 / small.p99 }];
}

async function several(world: World, { rounds }: BenchOptions, load: Load): Promise<Measurement> {
  await world.settle();
  const runs: Measurement[] = [];
  for (let round = 0; round < rounds; round++) runs.push(await generate(load));
  return middleOf(runs);
}

const MAKE = (count: number): string[] => [
  `create temp table made as select t.id as tenant_id, uuidv7() as id, n from generate_series(1, ${count}) n, (select id from tenants order by created_at, id limit 1) t`,
  `insert into agents (tenant_id, id, slug, name) select tenant_id, id, 'bench-' || id, 'Bench' from made`,
];

/** Agents with a token and a task each, straight into the tables. @returns what each may read, and as whom */
async function addAgents(world: World, count: number): Promise<Target[]> {
  const file = join(process.cwd(), 'dist', 'platform', 'crypto', 'tokens.js');
  const { newToken } = (await import(pathToFileURL(file).href)) as typeof import('../src/platform/crypto/tokens.js');
  const made = Array.from({ length: count }, () => newToken('wha_'));
  // The first one, made by HTTP, has made the lane.
  await world.send('POST', '/api/v1/tasks', { title: 'The first' });
  const tasks = await world.admin<{ id: string; n: number }>(
    'wheelhouse',
    ...MAKE(count),
    `insert into agent_tokens (tenant_id, id, agent_id, prefix, token_hash) select tenant_id, uuidv7(), id, 'wha_', decode(hash, 'hex')
     from made join unnest(string_to_array('${made.map(({ hash }) => hash.toString('hex')).join(',')}', ',')) with ordinality as h (hash, place) on place = n`,
    `insert into tasks (tenant_id, id, title, payload, status, priority, priority_rank, lane_id, ready, created_by_kind, created_by_id, completed_at)
     select made.tenant_id, made.id, 'Task ' || n, '{"n": 1}', 'completed', 'medium', 2, lane.id, false, 'agent', made.id::text, now()
     from made, (select id from task_lanes where agent_id is null and board_id is null and required_tools = '{}' order by id limit 1) lane`,
    'select id, n from made order by n',
  );
  return tasks.map(({ id, n }) => ({ path: `/api/v1/agent/tasks/${id}`, headers: { 'x-agent-token': made[n - 1]?.token ?? '' } }));
}

/** Agents whose tokens nobody has. */
async function addOthers(world: World, count: number): Promise<void> {
  const tokens = `insert into agent_tokens (tenant_id, id, agent_id, prefix, token_hash) select tenant_id, uuidv7(), id, 'wha_', sha256(convert_to(gen_random_uuid()::text, 'UTF8')) from made`;
  await world.admin('wheelhouse', ...MAKE(count), tokens);
}

/** Others read tasks, first alone, then while many sign in at once. */
async function logins(world: World, options: BenchOptions): Promise<Row[]> {
  await generate({ kind: 'create', url: world.plane.url, clients: world.keys, seconds: 1, path: '/api/v1/tasks' });
  const ids = (await world.admin<{ id: string }>('wheelhouse', 'select id from tasks limit 1000')).map(({ id }) => id);
  const others: Load = { kind: 'read', url: world.plane.url, clients: world.keys.slice(0, OTHERS), seconds: options.seconds, path: '/api/v1/tasks', ids };
  const signIns: Load = { kind: 'login', url: world.plane.url, clients: Array.from({ length: SIGNING_IN }, () => ({})), seconds: options.seconds, path: '/api/v1/auth/login', account: world.account };
  const rounds: { alone: Measurement; beside: Measurement; login: Measurement }[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const alone = await generate(others);
    const [beside, login] = await Promise.all([generate(others), generate(signIns)]);
    rounds.push({ alone, beside, login });
  }
  const row = (what: string, { perSecond, p50, p99, errors }: Measurement): Row => ({ what, unit: 'requests/s', ours: perSecond, p50, p99, errors });
  return [
    row(`sign in, ${SIGNING_IN} at once`, middleOf(rounds.map(({ login }) => login))),
    row('read a task, nobody signs in', middleOf(rounds.map(({ alone }) => alone))),
    { ...row(`read a task, while ${SIGNING_IN} sign in`, middleOf(rounds.map(({ beside }) => beside))), ratio: median(rounds.map(({ alone, beside }) => beside.p99 / alone.p99)) },
  ];
}

async function reveal(world: World, options: BenchOptions): Promise<Row[]> {
  const session = await world.signIn();
  const ids: string[] = [];
  for (let number = 0; number < 20; number++) {
    const made = await world.send('POST', '/api/v1/secrets', { name: `BENCH_${number}`, value: `a value that nobody knows ${number}` }, session);
    ids.push(((await made.json()) as { id: string }).id);
  }
  const clients = Array.from({ length: CLIENTS }, () => session);
  const runs: Measurement[] = [];
  for (let round = 0; round < options.rounds; round++) runs.push(await generate({ kind: 'reveal', url: world.plane.url, clients, seconds: options.seconds, path: '/api/v1/secrets', ids }));
  const { perSecond, p50, p99, errors } = middleOf(runs);
  return [{ what: 'reveal a secret', unit: 'requests/s', ours: perSecond, p50, p99, errors }];
}

async function sealing(world: World, options: BenchOptions): Promise<Row[]> {
  const runs: Measurement[] = [];
  for (let round = 0; round < options.rounds; round++) runs.push(await writeAuditRows({ url: world.adminUrlOf('wheelhouse'), perSecond: ROWS_PER_SECOND, seconds: options.seconds }));
  const { perSecond, p50, p99, errors } = middleOf(runs);
  return [{ what: `from commit to sealed, at ${Math.round(perSecond).toLocaleString('en')} rows/s`, unit: 'ms (p50)', ours: p50, p50, p99, errors }];
}
