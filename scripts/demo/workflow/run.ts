import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from '../admin-client.ts';
import type { FinishedTask } from '../verify.ts';
import { CHECKS, RELEASE } from './definition.ts';
import type { ReleaseOptions } from './options.ts';
import { Stage } from './stage.ts';
import { type Approval, type FinishedRun, mistakesIn, type Outcome } from './verify.ts';

/** Without an end of what is waited for the demo gives up; ms. */
const STUCK_MS = 300_000;
const ENDED = ['completed', 'failed', 'cancelled'];

/** Asks a person. @returns whether they approve */
export type Question = (text: string) => Promise<boolean>;

export interface ReleaseReport extends Outcome {
  mistakes: string[];
}

/** Runs the release from the beginning to the end, and cleans up after itself. */
export async function runRelease({ out, print }: Pick<ReleaseOptions, 'out' | 'print'>, ask: Question, signal?: AbortSignal): Promise<ReleaseReport> {
  const stage = new Stage();
  try {
    await stage.set();
    signal?.throwIfAborted();
    const outcome = await play(stage, out, print, ask, signal);
    return { ...outcome, mistakes: mistakesIn(outcome, stage.receiver) };
  } finally {
    await stage.strike();
  }
}

async function play(stage: Stage, out: string, print: (line: string) => void, ask: Question, signal?: AbortSignal): Promise<Outcome> {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const starter = stage.starterAtFirst();
  await starter.signIn();
  const workflow = await starter.request<{ id: string }>('POST', '/workflows', RELEASE);
  const { run_id: id } = await starter.request<{ run_id: string }>('POST', `/workflows/${workflow.id}/run`, { input: { version } });
  print(`The release of ${version} runs in two processes, ${stage.first.url} and ${stage.second.url}: ${id}`);
  const admin = stage.starterAtSecond();
  await admin.signIn();
  await until(async () => (await atWork(admin)) >= 2, 'agents at work', signal);
  const killed = stage.first.pid;
  await stage.first.kill();
  print(`The agents lint, count and test; the process ${killed}, which started the run, is killed meanwhile.`);
  const approval = await approvalOf(admin, id, signal);
  const approved = await ask(`${approval.title} ${approval.description ?? ''}`);
  const approver = stage.approverAtSecond();
  await approver.signIn();
  await approver.request('POST', `/approvals/${approval.id}/${approved ? 'approve' : 'reject'}`, { note: approved ? 'Go.' : 'Not now.' });
  print(approved ? 'It is approved.' : 'It is rejected.');
  const run = await until(async () => ended(await admin.request<FinishedRun>('GET', `/workflow-runs/${id}`)), 'the end of the run', signal);
  await until(() => Promise.resolve(stage.receiver.received.some(({ data }) => data['run_id'] === id && ENDED.includes(String(data['status'])))), 'the webhook', signal);
  writeFileSync(out, await admin.text(`/workflow-runs/${id}/diagram`));
  print(`The drawing of the run: ${out}`);
  const audit = await admin.request<{ ok: boolean }>('GET', '/audit/verify');
  return { run, approved, killed: !stage.first.isRunning, approval: await admin.request<Approval>('GET', `/approvals/${approval.id}`), tasks: await tasksOf(admin), audit, out };
}

const ended = (run: FinishedRun): FinishedRun | undefined => (ENDED.includes(run.status) ? run : undefined);

async function atWork(admin: AdminClient): Promise<number> {
  return (await admin.request<{ items: unknown[] }>('GET', '/tasks?status=in_progress')).items.length;
}

/** What the run asks a person for, once it does. */
async function approvalOf(admin: AdminClient, runId: string, signal?: AbortSignal): Promise<Approval> {
  const { waiting_for: waits } = await until(async () => {
    const run = await admin.request<FinishedRun>('GET', `/workflow-runs/${runId}`);
    if (ENDED.includes(run.status)) throw new Error(`The checks do not let the release go out: ${JSON.stringify(run.error ?? run.output)}`);
    return run.waits.find(({ waiting_for: wait }) => wait?.kind === 'approval');
  }, 'the question for approval', signal);
  return admin.request<Approval>('GET', `/approvals/${waits?.id ?? ''}`);
}

async function tasksOf(admin: AdminClient): Promise<FinishedTask[]> {
  const { items } = await admin.request<{ items: { id: string }[] }>('GET', `/tasks?limit=${CHECKS.length + 10}`);
  return Promise.all(items.map(({ id }) => admin.request<FinishedTask>('GET', `/tasks/${id}`)));
}

/** @throws Error when it does not come for very long */
async function until<T>(look: () => Promise<T | undefined | false>, what: string, signal?: AbortSignal): Promise<T> {
  for (const end = performance.now() + STUCK_MS; performance.now() < end; ) {
    signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await sleep(100);
  }
  throw new Error(`${what} did not come for ${STUCK_MS / 1000} s`);
}
