import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FinishedTask } from '../verify.ts';
import { CHECKS } from './definition.ts';
import { isGenuine, type Receiver } from './receiver.ts';

export interface FinishedRun {
  id: string;
  status: string;
  output: { released: boolean; checks: Record<string, Record<string, number>> } | null;
  error: { code: string; message: string } | null;
  waits: { waiting_for: { kind: string; id: string } | null }[];
  steps: { path: string; status: string; attempts: { outcome: string }[] }[];
}

export interface Approval {
  id: string;
  title: string;
  description: string | null;
  status: string;
  requested_by_id: string;
  decisions: { by_id: string; verdict: string }[];
}

/** How the release went. */
export interface Outcome {
  run: FinishedRun;
  /** What the person said. */
  approved: boolean;
  /** Whether the process that started the run is gone. */
  killed: boolean;
  approval: Approval;
  tasks: readonly FinishedTask[];
  audit: { ok: boolean };
  out: string;
}

type Heard = Pick<Receiver, 'received' | 'refused' | 'secret'>;

/** Everything that is wrong with a release, in words; empty when it went as it has to. */
export function mistakesIn(outcome: Outcome, receiver: Heard): string[] {
  const { run, approved, killed, audit } = outcome;
  const mistakes = [
    killed ? '' : 'the process that was killed still runs',
    run.status === 'completed' ? '' : `the run is ${run.status}: ${run.error?.message ?? ''}`,
    run.output?.released === approved ? '' : `it was ${run.output?.released ? '' : 'not '}released`,
    audit.ok ? '' : 'the audit log is not whole',
    ...tasksMistakes(outcome),
    ...approvalMistakes(outcome),
    ...webhookMistakes(run.id, receiver),
    ...drawingMistakes(outcome),
  ];
  return mistakes.filter((mistake) => mistake !== '');
}

/** Each check is one task, completed once, and its step tried once; what can be computed here is. */
function tasksMistakes({ run, tasks }: Outcome): string[] {
  const mistakes = tasks.length === CHECKS.length ? [] : [`there are ${tasks.length} tasks for ${CHECKS.length} checks`];
  for (const { id, status, attempt_history: attempts } of tasks) {
    const completed = attempts.filter(({ outcome }) => outcome === 'completed').length;
    if (status !== 'completed' || completed !== 1) mistakes.push(`the task ${id} is ${status} and was completed ${completed} times`);
  }
  for (const { path, attempts } of run.steps) if (attempts.length > 1) mistakes.push(`the step ${path} was tried ${attempts.length} times`);
  const lines = linesOfSource();
  if (run.output?.checks['count']?.['lines'] !== lines) mistakes.push(`there are ${lines} lines, not ${run.output?.checks['count']?.['lines']}`);
  return mistakes;
}

function linesOfSource(): number {
  const files = readdirSync('src', { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  return files.reduce((total, { parentPath, name }) => total + readFileSync(join(parentPath, name)).filter((byte) => byte === 10).length, 0);
}

/** One person decided, another one than who asked. */
function approvalMistakes({ approval: { status, decisions, requested_by_id: asked }, approved }: Outcome): string[] {
  const wanted = approved ? 'approved' : 'rejected';
  const mistakes = status === wanted ? [] : [`the approval is ${status}`];
  if (decisions.length !== 1 || decisions[0]?.verdict !== wanted) mistakes.push(`it was decided ${decisions.length} times`);
  if (decisions.some(({ by_id: by }) => by === asked)) mistakes.push('who asked has decided');
  return mistakes;
}

/** The end of the run was told with a signature that fits; one that does not fit would have been noticed. */
function webhookMistakes(runId: string, { received, refused, secret }: Heard): string[] {
  const ends = received.filter(({ data }) => data['run_id'] === runId && data['status'] === 'completed').length;
  const mistakes = ends === 1 ? [] : [`${ends} webhooks say that the run is completed`];
  if (refused > 0) mistakes.push(`${refused} webhooks had a wrong signature`);
  const forged = { 'webhook-id': 'x', 'webhook-timestamp': String(Math.floor(Date.now() / 1000)), 'webhook-signature': `v1,${createHmac('sha256', 'guessed').update('x').digest('base64')}` };
  if (isGenuine(secret, forged, Buffer.from('{}'))) mistakes.push('the receiver takes a forged signature');
  return mistakes;
}

function drawingMistakes({ out, run }: Outcome): string[] {
  const svg = readFileSync(out, 'utf8');
  const missing = run.steps.filter(({ path }) => !svg.includes(path.slice(path.lastIndexOf('/') + 1)));
  return svg.startsWith('<svg') && missing.length === 0 ? [] : [`the drawing lacks ${missing.map(({ path }) => path).join(', ') || 'its form'}`];
}
