import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { throwawayFolder } from '../../scripts/demo/throwaway-folder.ts';
import type { AgentUnderTest } from './agents.ts';
import { racesIn } from './checker/check-revocations.ts';
import { sealingLags } from './checker/check-sealing.ts';
import { checkKills } from './checker/check-kills.ts';
import { checkProbes, type ProbeSnapshot } from './checker/check-probes.ts';
import { UNFELT } from './checker/check-purges.ts';
import { check } from './checker/check.ts';
import { checkWorkflows } from './checker/check-workflows.ts';
import type { Violation } from './checker/snapshot.ts';
import { Cluster } from './cluster.ts';
import { EffectsTarget } from './effects-target.ts';
import { Faults } from './faults.ts';
import { HistoryWriter, now, readHistory } from './history.ts';
import { KeyRotations } from './key-rotation.ts';
import { KillLog } from './kill-log.ts';
import type { TortureOptions } from './options.ts';
import { Prng } from './prng.ts';
import { countOpenRuns, countUnended, countUnsealed, publishedIds, takeSnapshot, takeTransitions, takeWorkflows, waitingInVain } from './take-snapshot.ts';
import { populate, type World } from './world.ts';

/** Everything must have ended by then after the last fault; ms. */
const SETTLE_LIMIT_MS = 60_000;
const DELIVERY_LIMIT_MS = 15_000;
/** A sequencer whose process was killed is followed by another one within seconds. */
const SEALING_LIMIT_MS = 15_000;
/** Processes that purge may be killed, and then a sequencer is waited for. */
const PURGE_LIMIT_MS = 180_000;

export interface TortureReport {
  violations: Violation[];
  faults: Record<string, number>;
  ops: Record<string, number>;
  unanswered: number;
  tasks: Record<string, number>;
  attempts: Record<string, number>;
  events: { published: number; delivered: number; told: number };
  revocations: Record<string, number>;
  rotations: { finished: number; kills: number };
  sealing: { rows: number; p50: number; p99: number; max: number };
  /** How many were done. */
  purges: number;
  /** Runs of workflows that were started. */
  runs: number;
  /** How many processes ended themselves in the midst of moving runs, by the point. */
  kills: Record<string, number>;
  /** Probes of the breaker in front of a broken target. */
  probes: number;
  settledMs: number;
  folder: string;
}

/** One whole run. */
export async function torture(options: TortureOptions, say: (line: string) => void): Promise<TortureReport> {
  const folder = throwawayFolder('wheelhouse-torture-');
  const histories = join(folder, 'histories');
  mkdirSync(histories);
  const kills = new KillLog(join(folder, 'kills'));
  const target = new EffectsTarget();
  const cluster = new Cluster(folder, kills, (index) => preloads(options, index, kills));
  const agents: AgentUnderTest[] = [];
  try {
    await target.start();
    await cluster.start();
    const world = await populate({ cluster, target }, agents, options, histories);
    const report = await rage({ cluster, target, kills, world }, options, histories, say);
    return { ...report, folder };
  } finally {
    await Promise.all(agents.map((agent) => agent.end('SIGKILL')));
    await cluster.stop();
    await target.stop();
    rmSync(join(folder, 'data'), { recursive: true, force: true });
    if (!options.keep) rmSync(folder, { recursive: true, force: true });
  }
}

/** The second API process has a wrong clock; the planted fault is in all of them, or in the rotation of keys. */
function preloads({ plant, seed }: TortureOptions, index: number | 'rotation', kills?: KillLog): string {
  const isHere = plant !== undefined && (plant === 'wrong-wrap') === (index === 'rotation');
  const files = [...(index === 1 ? ['clock-ahead.mjs'] : []), ...(isHere ? [`plant.mjs?${plant}`] : []), ...(kills ? [`kill-points.mjs?${new URLSearchParams({ log: kills.file, seed: String(seed + Number(index)) }).toString()}`] : [])];
  return files.map((file) => `--import=${new URL(file, pathToFileURL(join(process.cwd(), 'test', 'torture', '/'))).href}`).join(' ');
}

/** All that is there while things break. */
interface Scene {
  cluster: Cluster;
  target: EffectsTarget;
  kills: KillLog;
  world: World;
}

async function rage({ cluster, target, kills, world }: Scene, options: TortureOptions, histories: string, say: (line: string) => void): Promise<Omit<TortureReport, 'folder'>> {
  const startedAt = now();
  const end = startedAt + options.seconds * 1000;
  const isOver = (): boolean => now() >= end;
  const rotations = new KeyRotations(() => ({ ...cluster.settings, NODE_OPTIONS: preloads(options, 'rotation') }), new Prng(options.seed, 16));
  const targets = { cluster, agents: world.agents, events: world.events, purges: world.purges, rotations, history: new HistoryWriter(histories, 'faults') };
  const tell = (line: string): void => say(`${((now() - startedAt) / 1000).toFixed(1)} s: ${line}`);
  const faults = new Faults(targets, new Prng(options.seed, 1), tell, options.first);
  await Promise.all([faults.runUntil(isOver), ...world.clients.map((client) => client.runUntil(isOver))]);
  kills.close();
  say('no more faults; waiting until everything has ended');
  const settledMs = await settle(cluster, world, faults.lastAt);
  const found = [
    ...cluster.misbehaviour.map((detail) => ({ rule: 'misbehaved', detail })),
    ...rotations.failures.map((detail) => ({ rule: 'rotation failed', detail })),
    ...checkWorkflows(world.workflows.expected, await takeWorkflows(cluster, world.workflows.tenantId, target.arrivals)),
    ...checkProbes(await probesOf({ cluster, target, kills, world }, histories)),
    ...(await countOpenRuns(cluster, world.breakers.tenantId) > 0 ? [{ rule: 'run never ended', detail: 'of calls behind a breaker' }] : []),
    ...checkKills(kills, options),
    ...(await world.purges.wrongCertificates()).map((detail) => ({ rule: 'certificate refused', detail })),
    ...(await world.auditor.verifyOffline(world.purges.tenants)).filter(({ ok }) => !ok).map(({ text }) => ({ rule: 'bundle refused', detail: text })),
  ];
  const report = await compare(cluster, world, histories);
  const { finished, kills: killed } = rotations;
  const probes = target.arrivals.filter(({ path }) => path === '/down').length;
  return { ...report, kills: kills.counts, probes, violations: [...report.violations, ...found], runs: world.workflows.expected.length, faults: Object.fromEntries(faults.counts), rotations: { finished, kills: killed }, settledMs };
}

/** Waits until all that was begun has come to its end. @returns how long the tasks took */
async function settle(cluster: Cluster, { admin, agents, secrets, events, socket, workflows, breakers, purges }: World, lastFaultAt: number): Promise<number> {
  for (const agent of agents) agent.signal('SIGUSR2');
  await until(async () => {
    for (const id of await waitingInVain(cluster)) await admin.request('POST', `/tasks/${id}/cancel`, { reason: 'in vain' }).catch(() => undefined);
    return (await countUnended(cluster)) === 0;
  }, SETTLE_LIMIT_MS);
  await until(async () => {
    await workflows.resumeAll();
    return (await countOpenRuns(cluster, workflows.tenantId)) + (await countOpenRuns(cluster, breakers.tenantId)) === 0;
  }, SETTLE_LIMIT_MS);
  const settledMs = now() - lastFaultAt;
  await Promise.all(agents.map((agent) => agent.end('SIGTERM')));
  // Whoever has not known the keys from before has to get them from the rows.
  await Promise.all(cluster.apis.map((api) => cluster.bounce(api, 'SIGTERM', 0)));
  await secrets.lookAgain();
  await until(async () => (await publishedIds(cluster)).every((id) => events.seen.has(id)), DELIVERY_LIMIT_MS);
  await events.stop();
  await socket.stop();
  await until(async () => (await countUnsealed(cluster)) === 0, SEALING_LIMIT_MS);
  await workflows.stop();
  await purges.settle(PURGE_LIMIT_MS);
  return settledMs;
}

/** What became of the breaker in front of the broken target. */
async function probesOf({ cluster, target, kills, world }: Scene, histories: string): Promise<ProbeSnapshot> {
  const faults = readHistory(histories).faults.filter(({ name }) => !UNFELT.has(name)).flatMap(({ name, from, until: to }) => (name.includes('freeze') ? [from, to] : [from]));
  const arrivals = target.arrivals.filter(({ path }) => path === '/down');
  return { transitions: await takeTransitions(cluster, world.breakers.tenantId), arrivals, broken: [...faults, ...kills.times] };
}

/** What clients saw against what is there. */
async function compare(cluster: Cluster, { purges }: World, histories: string): Promise<Omit<TortureReport, 'folder' | 'faults' | 'rotations' | 'settledMs' | 'runs' | 'kills' | 'probes'>> {
  await until(async () => (await countUnsealed(cluster)) === 0, SEALING_LIMIT_MS);
  const db = await takeSnapshot(cluster, await purges.traces(cluster));
  const history = readHistory(histories);
  const lags = sealingLags(history.faults, db);
  const lag = (share: number): number => lags[Math.min(lags.length - 1, Math.floor(lags.length * share))] ?? NaN;
  return {
    violations: check(history, db),
    ops: countBy(history.ops, (op) => op.op),
    unanswered: history.ops.filter((op) => op.status === 0).length,
    tasks: countBy(db.tasks, (task) => task.status),
    attempts: countBy(db.attempts, (attempt) => attempt.outcome),
    events: { published: db.events.length, delivered: history.deliveries.length, told: history.sockets.filter(({ what }) => what === 'event').length },
    revocations: racesIn(history.ops),
    purges: db.purges.length,
    sealing: { rows: db.leaves.length, p50: lag(0.5), p99: lag(0.99), max: lag(1) },
  };
}

async function until(condition: () => Promise<boolean>, limitMs: number): Promise<void> {
  const limit = now() + limitMs;
  while (now() < limit && !(await condition())) await sleep(250);
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, keyOf)].map(([key, list]) => [key, list.length]));
}
