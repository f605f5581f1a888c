import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { AdminClient } from '../../scripts/demo/admin-client.ts';
import { newSecret } from '../../scripts/demo/plane-process.ts';
import { AgentUnderTest } from './agents.ts';
import { ApiClient } from './api-client.ts';
import { check } from './checker/check.ts';
import type { Violation } from './checker/snapshot.ts';
import { Cluster } from './cluster.ts';
import { EventClient } from './event-client.ts';
import { Faults } from './faults.ts';
import { HistoryWriter, now, readHistory } from './history.ts';
import type { TortureOptions } from './options.ts';
import { Prng } from './prng.ts';
import { countUnended, publishedIds, takeSnapshot } from './take-snapshot.ts';

/** Everything must have ended by then after the last fault; ms. */
const SETTLE_LIMIT_MS = 60_000;
const DELIVERY_LIMIT_MS = 15_000;

export interface TortureReport {
  violations: Violation[];
  faults: Record<string, number>;
  ops: Record<string, number>;
  unanswered: number;
  tasks: Record<string, number>;
  attempts: Record<string, number>;
  events: { published: number; delivered: number };
  settledMs: number;
  folder: string;
}

/** One whole run. */
export async function torture(options: TortureOptions, say: (line: string) => void): Promise<TortureReport> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-torture-'));
  const histories = join(folder, 'histories');
  mkdirSync(histories);
  const cluster = new Cluster(folder, plantOptions(options));
  const agents: AgentUnderTest[] = [];
  try {
    await cluster.start();
    const world = await populate(cluster, agents, options, histories);
    const report = await rage(cluster, agents, world, options, histories, say);
    return { ...report, folder };
  } finally {
    await Promise.all(agents.map((agent) => agent.end('SIGKILL')));
    await cluster.stop();
    rmSync(join(folder, 'data'), { recursive: true, force: true });
    if (!options.keep) rmSync(folder, { recursive: true, force: true });
  }
}

function plantOptions(options: TortureOptions): string | undefined {
  if (options.plant === undefined) return undefined;
  return `--import=${pathToFileURL(join(process.cwd(), 'test', 'torture', 'plant-no-fence.mjs')).href}`;
}

interface World {
  clients: ApiClient[];
  events: EventClient;
}

/** The administrator, the agents, the clients and the one who listens. */
async function populate(cluster: Cluster, agents: AgentUnderTest[], options: TortureOptions, folder: string): Promise<World> {
  const urls = cluster.urls;
  const account = { email: 'torture@example.com', password: newSecret() };
  const admin = new AdminClient(urls[0] ?? '', account);
  await admin.setUp(cluster.setupToken);
  const { access_token: person } = await admin.request<{ access_token: string }>('POST', '/auth/login', account);
  const { key } = await admin.request<{ key: string }>('POST', '/security/api-keys', {
    name: 'torture',
    scopes: ['task:read', 'task:write', 'agent:write'],
  });
  for (let number = 1; number <= options.agents; number++) {
    const agent = await admin.request<{ id: string; token: string }>('POST', '/agents', {
      name: `agent-${number}`,
      max_concurrent_tasks: 50,
    });
    agents.push(new AgentUnderTest(`agent-${number}`, agent, options.seed + 1_000 * number, { urls, folder, lanes: 3 }));
  }
  const agentIds = agents.map(({ id }) => id);
  const credentials: Record<string, string>[] = [{ authorization: `Bearer ${person}` }, { 'x-api-key': key }];
  const clients = Array.from({ length: options.clients }, (_, index) => {
    const headers: Record<string, string> = { ...credentials[index % 2] };
    // Each changes agents of its own, so that the last change of a description is known.
    return new ApiClient({ client: `client-${index + 1}`, urls, folder, seed: options.seed + index, headers, agentIds });
  });
  const history = new HistoryWriter(folder, 'events');
  const events = new EventClient({ urls, headers: { authorization: `Bearer ${person}` }, history, prng: new Prng(options.seed, 7) });
  await events.start();
  for (const agent of agents) agent.start();
  return { clients, events };
}

async function rage(
  cluster: Cluster,
  agents: AgentUnderTest[],
  world: World,
  options: TortureOptions,
  histories: string,
  say: (line: string) => void,
): Promise<Omit<TortureReport, 'folder'>> {
  const startedAt = now();
  const end = startedAt + options.seconds * 1000;
  const isOver = (): boolean => now() >= end;
  const faults = new Faults({ cluster, agents, events: world.events }, new Prng(options.seed, 1), (line) =>
    say(`${((now() - startedAt) / 1000).toFixed(1)} s: ${line}`),
  );
  await Promise.all([faults.runUntil(isOver), ...world.clients.map((client) => client.runUntil(isOver))]);
  say('no more faults; waiting until everything has ended');
  for (const agent of agents) agent.signal('SIGUSR2');
  await until(async () => (await countUnended(cluster)) === 0, SETTLE_LIMIT_MS);
  const settledMs = now() - faults.lastAt;
  await Promise.all(agents.map((agent) => agent.end('SIGTERM')));
  await until(async () => (await publishedIds(cluster)).every((id) => world.events.seen.has(id)), DELIVERY_LIMIT_MS);
  await world.events.stop();
  const db = await takeSnapshot(cluster);
  const history = readHistory(histories);
  const misbehaviour = cluster.misbehaviour.map((detail) => ({ rule: 'misbehaved', detail }));
  return {
    violations: [...check(history, db), ...misbehaviour],
    faults: Object.fromEntries(faults.counts),
    ops: countBy(history.ops, (op) => op.op),
    unanswered: history.ops.filter((op) => op.status === 0).length,
    tasks: countBy(db.tasks, (task) => task.status),
    attempts: countBy(db.attempts, (attempt) => attempt.outcome),
    events: { published: db.events.length, delivered: history.deliveries.length },
    settledMs,
  };
}

async function until(condition: () => Promise<boolean>, limitMs: number): Promise<void> {
  const limit = now() + limitMs;
  while (now() < limit && !(await condition())) await sleep(250);
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, keyOf)].map(([key, list]) => [key, list.length]));
}
