import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdminClient } from './admin-client.ts';
import { AgentProcess } from './agent-process.ts';
import { concurrently } from './concurrently.ts';
import { Faults } from './faults.ts';
import { type DemoOptions, filesIn } from './options.ts';
import { freePort, newSecret, PlaneProcess, projectNode } from './plane-process.ts';
import { Progress } from './progress.ts';
import { type FinishedTask, mistakesIn } from './verify.ts';
import { throwawayFolder } from './throwaway-folder.ts';

const AGENTS = 4;
/** Without any progress for this long the demo gives up; ms. */
const STUCK_MS = 60_000;

export interface DemoReport {
  files: number;
  seconds: number;
  tasks: FinishedTask[];
  agents: AgentProcess[];
  mistakes: string[];
}

export interface Stats {
  by_status: Record<string, number>;
}

/** Runs the whole demo and cleans up after itself. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const paths = filesIn(options.folder).slice(0, options.limit);
  if (paths.length === 0) throw new Error(`${options.folder} holds no files`);
  const data = throwawayFolder('wheelhouse-demo-');
  const setupToken = newSecret();
  const plane = new PlaneProcess({ PORT: String(await freePort()), WHEELHOUSE_DATA: data, SETUP_TOKEN: setupToken, LOG_LEVEL: 'warn' });
  const agents: AgentProcess[] = [];
  try {
    await plane.start();
    const admin = new AdminClient(plane.url, { email: 'demo@example.com', password: newSecret() });
    await admin.setUp(setupToken);
    return await work(plane.url, admin, agents, paths, options);
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    await plane.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

async function work(url: string, admin: AdminClient, agents: AgentProcess[], paths: string[], options: DemoOptions): Promise<DemoReport> {
  const ids = await createTasks(admin, paths, options.folder);
  options.print(`${paths.length} tasks are queued at ${url}; ${AGENTS} agents with ${options.concurrency} commands each start.`);
  for (let number = 1; number <= AGENTS; number++) agents.push(await startAgent(url, admin, number, options));
  const startedAt = performance.now();
  const progress = new Progress(paths.length, options.print);
  const faults = new Faults(admin, agents, progress, options.leaseSeconds);
  await follow(admin, agents, paths.length, progress, faults);
  const seconds = (performance.now() - startedAt) / 1000;
  await faults.settle();
  progress.end();
  const tasks = await concurrently(8, ids, (id) => admin.request<FinishedTask>('GET', `/tasks/${id}`));
  return { files: paths.length, seconds, tasks, agents, mistakes: [...mistakesIn(paths, tasks), ...faults.mistakes()] };
}

function createTasks(admin: AdminClient, paths: readonly string[], folder: string): Promise<string[]> {
  return concurrently(16, paths, async (path) => {
    const task = await admin.request<{ id: string }>('POST', '/tasks', {
      title: `Hash ${relative(folder, path)}`.slice(0, 500),
      payload: { path },
    });
    return task.id;
  });
}

async function startAgent(url: string, admin: AdminClient, number: number, options: DemoOptions): Promise<AgentProcess> {
  const name = `agent-${number}`;
  const agent = await admin.request<{ id: string; token: string }>('POST', '/agents', { name, max_concurrent_tasks: 100 });
  const script = join(process.cwd(), 'scripts', 'demo', 'hash-file.mjs');
  const command = `${quote(projectNode())} ${quote(script)}`;
  return new AgentProcess({
    id: agent.id,
    name,
    token: agent.token,
    url,
    command,
    concurrency: options.concurrency,
    leaseSeconds: options.leaseSeconds,
  });
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Waits until every task has ended; strikes half-way. */
async function follow(
  admin: AdminClient,
  agents: readonly AgentProcess[],
  total: number,
  progress: Progress,
  faults: Faults,
): Promise<void> {
  let best = 0;
  let movedAt = performance.now();
  for (;;) {
    const { by_status: counts } = await admin.request<Stats>('GET', '/tasks/stats');
    const ended = (counts['completed'] ?? 0) + (counts['dead_letter'] ?? 0) + (counts['cancelled'] ?? 0);
    if (ended > best) [best, movedAt] = [ended, performance.now()];
    progress.show(ended, faults.note);
    if (ended >= total) return;
    if (performance.now() - movedAt > STUCK_MS)
      throw new Error(`nothing was completed for ${STUCK_MS / 1000} s: ${JSON.stringify(counts)}`);
    if (!agents.some((agent) => agent.isRunning)) throw new Error('every agent has ended');
    if (ended * 5 >= total * 2) faults.strike();
    await sleep(100);
  }
}
