import { mkdirSync, rmSync } from 'node:fs';
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
import { ControlClient } from './control-client.ts';
import { EventClient } from './event-client.ts';
import { Faults } from './faults.ts';
import { HistoryWriter, now, readHistory } from './history.ts';
import type { TortureOptions } from './options.ts';
import { Prng } from './prng.ts';
import { SocketClient } from './socket-client.ts';
import { countUnended, publishedIds, takeSnapshot, waitingInVain } from './take-snapshot.ts';
import { throwawayFolder } from '../../scripts/demo/throwaway-folder.ts';

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
  events: { published: number; delivered: number; told: number };
  settledMs: number;
  folder: string;
}

/** One whole run. */
export async function torture(options: TortureOptions, say: (line: string) => void): Promise<TortureReport> {
  const folder = throwawayFolder('wheelhouse-torture-');
  const histories = join(folder, 'histories');
  mkdirSync(histories);
  const cluster = new Cluster(folder, (index) => preloads(options, index));
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

/** The second API process has a wrong clock; the planted fault is in all of them. */
function preloads({ plant }: TortureOptions, index: number): string {
  const files = [...(index === 1 ? ['clock-ahead.mjs'] : []), ...(plant === undefined ? [] : ['plant-no-fence.mjs'])];
  return files.map((file) => `--import=${pathToFileURL(join(process.cwd(), 'test', 'torture', file)).href}`).join(' ');
}

interface World {
  admin: AdminClient;
  clients: (ApiClient | ControlClient)[];
  events: EventClient;
  socket: SocketClient;
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
  const { id: boardId } = await admin.request<{ id: string }>('POST', '/boards', { name: 'torture' });
  for (let number = 1; number <= options.agents; number++) {
    const agent = await admin.request<{ id: string; token: string }>('POST', '/agents', {
      name: `agent-${number}`,
      max_concurrent_tasks: 50,
    });
    if (number % 2 === 1) await admin.request('PUT', `/boards/${boardId}/agents/${agent.id}`);
    agents.push(new AgentUnderTest(`agent-${number}`, agent, options.seed + 1_000 * number, { urls, folder, lanes: 3, dawdles: options.plant !== undefined }));
  }
  const agentIds = agents.map(({ id }) => id);
  const credentials: Record<string, string>[] = [{ authorization: `Bearer ${person}` }, { 'x-api-key': key }];
  const clients: World['clients'] = Array.from({ length: options.clients }, (_, index) => {
    const headers: Record<string, string> = { ...credentials[index % 2] };
    // Each changes agents of its own, so that the last change of a description is known.
    return new ApiClient({ client: `client-${index + 1}`, urls, folder, seed: options.seed + index, headers, agentIds, boardId });
  });
  const asPerson = { authorization: `Bearer ${person}` };
  clients.push(new ControlClient({ urls, folder, seed: options.seed, headers: asPerson, agentIds }));
  const history = new HistoryWriter(folder, 'events');
  const events = new EventClient({ urls, headers: asPerson, history, prng: new Prng(options.seed, 7) });
  const socket = new SocketClient({ urls, token: person, history: new HistoryWriter(folder, 'socket'), prng: new Prng(options.seed, 8) });
  await events.start();
  socket.start();
  for (const agent of agents) agent.start();
  return { admin, clients, events, socket };
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
  await until(async () => {
    for (const id of await waitingInVain(cluster)) await world.admin.request('POST', `/tasks/${id}/cancel`, { reason: 'in vain' }).catch(() => undefined);
    return (await countUnended(cluster)) === 0;
  }, SETTLE_LIMIT_MS);
  const settledMs = now() - faults.lastAt;
  await Promise.all(agents.map((agent) => agent.end('SIGTERM')));
  await until(async () => (await publishedIds(cluster)).every((id) => world.events.seen.has(id)), DELIVERY_LIMIT_MS);
  await world.events.stop();
  await world.socket.stop();
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
    events: { published: db.events.length, delivered: history.deliveries.length, told: history.sockets.filter(({ what }) => what === 'event').length },
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
