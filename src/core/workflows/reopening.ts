import { itemsOf } from './bindings.js';
import { concurrencyOf } from './bounds.js';
import { completeScope, count, endStep, makeReady, openScope } from './ending.js';
import { keyOf, pathOf, ROOT, scopeOf, type Step } from './graph.js';
import { decide, isProvidedFor } from './joins.js';
import type { Pass } from './pass.js';
import { emptyStep, isEnding, type StepRow } from './rows.js';

/**
 * Puts a run that failed or was cancelled back to where it can go on: what was completed and not undone stays, what failed, was
 * given up, or was skipped because of that waits for its edges again. Then `resume` starts what is ready.
 */
export async function reopen(pass: Pass): Promise<void> {
  const { run } = pass;
  Object.assign(run, { status: 'running', ends_as: null, error: null, output: null, ended_at: null });
  // Somebody wants it to go on: what its steps held until now counts no more.
  run.content_size = 0;
  const { timeout_seconds } = pass.graph.graph;
  run.timeout_at = timeout_seconds === undefined ? null : pass.later(timeout_seconds);
  const undone = await pass.rows.undone();
  // What stands around something that was undone is not done, however it ended.
  const around = new Set(undone.flatMap(({ path }) => scopesAround(path)));
  await reopenScope(pass, ROOT, around);
}

function scopesAround(path: string): string[] {
  const scopes = [];
  for (let scope = scopeOf(path); scope !== ROOT; scope = scopeOf(scope)) scopes.push(scope);
  return scopes;
}

async function reopenScope(pass: Pass, scope: string, around: ReadonlySet<string>): Promise<void> {
  const { steps } = pass.graph.scope(scope);
  const rows = (await pass.rows.in(scope)).filter(({ type }) => type !== 'scope');
  const again = rows.filter((row) => !stays(pass, row, around));
  const holder = scope === ROOT ? pass.run : await pass.rows.get(scope);
  holder.open = again.length;
  if ('path' in holder) pass.rows.touch(Object.assign(holder, { status: 'waiting', waiting_for: { kind: 'scopes', id: null }, error: null, output: null, ended_at: null, reason: null }));
  for (const row of again) await putBack(pass, row, around);
  const byKey = new Map(rows.map((row) => [keyOf(row.path), row]));
  for (const row of again.filter(({ status }) => status === 'pending')) await decideAgain(pass, row, steps, byKey);
  // It had come to its end, and only its output could not be made.
  if (again.length === 0 && scope !== ROOT) await completeScope(pass, scope);
}

/** Whether a step has done what it was for, so that the run goes on behind it. */
function stays(pass: Pass, row: StepRow, around: ReadonlySet<string>): boolean {
  if (row.undone || around.has(row.path)) return false;
  if (row.status === 'completed') return true;
  const edges = pass.graph.scope(scopeOf(row.path)).successors.get(keyOf(row.path)) ?? [];
  return row.status === 'failed' && isProvidedFor(pass.graph.step(row.path), edges.map(({ edge }) => edge));
}

/** A step waits for its edges again; one that holds scopes goes on in those that did not come to their end. */
async function putBack(pass: Pass, row: StepRow, around: ReadonlySet<string>): Promise<void> {
  const holds = row.type === 'parallel' || row.type === 'map';
  const scopes = holds ? (await pass.rows.in(row.path)).filter(({ type }) => type === 'scope') : [];
  if (scopes.length === 0) {
    const { path, type, attempt, undone, undone_tries: before } = row;
    pass.rows.touch(Object.assign(row, emptyStep(path, type), { attempt, undone_tries: undone ? attempt : before }));
    return;
  }
  const open = scopes.filter(({ path, status }) => status !== 'completed' || around.has(path));
  const fields = { status: 'waiting', attempt: row.attempt + 1, started_at: pass.now, waiting_for: { kind: 'scopes', id: null }, done: scopes.length - open.length, lost: 0, open: open.length, error: null, output: null, ended_at: null, reason: null } as const;
  pass.rows.touch(Object.assign(row, fields));
  for (const { path } of open) await reopenScope(pass, path, around);
  const step = pass.graph.step(row.path);
  row.timeout_at = step.timeout_seconds === undefined ? null : pass.later(step.timeout_seconds);
  const total = step.type === 'map' ? itemsOf(row).length : 0;
  for (; row.next < total && row.open < concurrencyOf(step); row.next += 1) {
    row.open += 1;
    openScope(pass, pathOf(row.path, String(row.next)));
  }
}

async function decideAgain(pass: Pass, row: StepRow, steps: ReadonlyMap<string, Step>, byKey: ReadonlyMap<string, StepRow>): Promise<void> {
  const step = steps.get(keyOf(row.path));
  // Skipped meanwhile, because of another one.
  if (!step || row.status !== 'pending') return;
  Object.assign(row, { arrived: 0, taken: 0, absent: 0 });
  for (const edge of step.depends_on) {
    const [from, source] = [byKey.get(edge.step), steps.get(edge.step)];
    if (from && source && isEnding(from.status)) count(row, edge, source, from.status, from.branch);
  }
  pass.rows.touch(row);
  const verdict = step.depends_on.length === 0 ? 'run' : decide(step.join, step.depends_on.length, row);
  if (verdict === 'run') makeReady(pass, row);
  if (verdict === 'skip') await endStep(pass, row, step, 'skipped', 'None of the ways that lead here was taken.');
}
