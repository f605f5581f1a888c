import { bindingsOf, itemsOf } from './bindings.js';
import { concurrencyOf, isFull, keep, MOST_STEPS, take, takeIfRoom } from './bounds.js';
import { type Dependency, keyOf, pathOf, ROOT, scopeOf, type ScopeIndex, type Step } from './graph.js';
import { decide, type Ending, isProvidedFor, isTaken } from './joins.js';
import { type AttemptRecord, type Pass, StepFailure } from './pass.js';
import { mayTryAgain, retryDelay } from './retries.js';
import { emptyStep, isEnding, type StepError, type StepRow } from './rows.js';

/** Enters a scope: all its steps are there, and those that nothing leads to are ready. */
export function openScope(pass: Pass, scope: string): void {
  const { steps, first } = pass.graph.scope(scope);
  const rows = [...steps.values()].map(({ key, type }) => emptyStep(pathOf(scope, key), type));
  if (scope === ROOT) pass.run.open = rows.length;
  else rows.push({ ...emptyStep(scope, 'scope'), status: 'waiting', waiting_for: { kind: 'scopes', id: null }, open: rows.length, started_at: pass.now });
  pass.rows.add(rows);
  pass.run.steps += rows.length;
  const ready = new Set(first.map(({ key }) => pathOf(scope, key)));
  for (const row of rows) if (ready.has(row.path)) makeReady(pass, row);
}

/** Lets a step start. */
export function makeReady(pass: Pass, row: StepRow): void {
  row.status = 'ready';
  row.reason = null;
  pass.rows.touch(row);
  pass.ready.push(row);
}

/** A try has failed: the step waits for the next one, or has failed for good. */
export async function failTry(pass: Pass, row: StepRow, step: Step, error: StepError, output: unknown = null): Promise<void> {
  pass.attempts.push(attemptOf(pass, row, 'failed', error, takeIfRoom(pass, output)));
  row.error = error;
  row.waiting_for = null;
  row.timeout_at = null;
  pass.rows.touch(row);
  if (!mayTryAgain(step.retry, row.attempt, error)) return endStep(pass, row, step, 'failed', null);
  row.status = 'retrying';
  row.due_at = pass.later(step.retry ? retryDelay(step.retry, row.attempt, pass.random()) : 0);
  row.reason = `Try ${row.attempt} failed (${error.code}); it is tried again.`;
}

/** A try has done what it was for. */
export async function completeTry(pass: Pass, row: StepRow, step: Step, result: unknown): Promise<void> {
  let output = result;
  try {
    if (step.output !== undefined) output = await pass.evaluator.fill(step.output, await bindingsOf(pass, row.undoes ?? row.path, { values: [step.output] }, { result, context: result }));
    output = row.undoes === null ? take(pass, output, row.output) : keep(output);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    return failTry(pass, row, step, error.error);
  }
  pass.attempts.push(attemptOf(pass, row, 'completed', null));
  row.output = output;
  row.error = null;
  return endStep(pass, row, step, 'completed', null);
}

/** Ends a step for good, and all that follows from it. */
export async function endStep(pass: Pass, row: StepRow, step: Step, ending: Ending, reason: string | null): Promise<void> {
  const work: { row: StepRow; step: Step; ending: Ending; reason: string | null }[] = [{ row, step, ending, reason }];
  // A list instead of a call: thousands of steps in a row may be skipped at once.
  for (let next = work.shift(); next; next = work.shift()) {
    if (isEnding(next.row.status)) continue;
    settle(pass, next.row, next.step, next.ending, next.reason);
    if (next.row.undoes !== null) continue;
    const scope = scopeOf(next.row.path);
    const index = pass.graph.scope(scope);
    for (const skipped of await tellSuccessors(pass, scope, index, next)) work.push(skipped);
    const edges = (index.successors.get(next.step.key) ?? []).map(({ edge }) => edge);
    await leaveScope(pass, scope, next.row, next.ending === 'failed' && !isProvidedFor(next.step, edges));
  }
}

function settle(pass: Pass, row: StepRow, step: Step, ending: Ending, reason: string | null): void {
  row.status = ending;
  row.reason = reason;
  row.due_at = null;
  row.timeout_at = null;
  row.waiting_for = null;
  row.ended_at = pass.now;
  if (ending === 'completed') {
    pass.run.seq += 1;
    row.ended_seq = pass.run.seq;
    row.undoable = step.compensate !== undefined && row.undoes === null;
  }
  pass.rows.touch(row);
}

/** @returns the steps that are skipped by it */
async function tellSuccessors(pass: Pass, scope: string, index: ScopeIndex, { row, step, ending }: { row: StepRow; step: Step; ending: Ending }): Promise<{ row: StepRow; step: Step; ending: Ending; reason: string }[]> {
  const skipped = [];
  const successors = index.successors.get(step.key) ?? [];
  await pass.rows.expect(successors.map(({ step: next }) => pathOf(scope, next.key)));
  for (const { step: next, edge } of successors) {
    const target = await pass.rows.get(pathOf(scope, next.key));
    if (target.status !== 'pending') continue;
    count(target, edge, step, ending, row.branch);
    pass.rows.touch(target);
    const verdict = decide(next.join, next.depends_on.length, target);
    if (verdict === 'run') makeReady(pass, target);
    if (verdict === 'skip') skipped.push({ row: target, step: next, ending: 'skipped' as const, reason: `None of the ways that lead here was taken (last: ${step.key}, ${ending}).` });
  }
  return skipped;
}

/** Counts an edge of a step whose other end has ended. */
export function count(target: StepRow, edge: Dependency, from: Step, ending: Ending, branch: string | null): void {
  target.arrived += 1;
  if (isTaken(edge, from, ending, branch ?? undefined)) target.taken += 1;
  else if (ending === 'skipped' || ending === 'cancelled') target.absent += 1;
}

/** One step less is open in a scope. With the last, or with a failure that nobody has provided for, the scope ends. */
async function leaveScope(pass: Pass, scope: string, row: StepRow, fails: boolean): Promise<void> {
  const holder = scope === ROOT ? pass.run : await pass.rows.get(scope);
  // Ended before by a failure or a cancellation, which has taken all its steps along.
  if ('path' in holder && isEnding(holder.status)) return;
  holder.open -= 1;
  if ('path' in holder) pass.rows.touch(holder);
  if (fails) return failScope(pass, scope, row.error ?? { code: 'failed', message: 'A step failed.', passing: false }, row.path);
  if (holder.open === 0 && scope !== ROOT) await completeScope(pass, scope);
}

/** What a scope results in. @throws StepFailure */
export async function outputOf(pass: Pass, scope: string): Promise<unknown> {
  const { graph, last } = pass.graph.scope(scope);
  if (graph.output !== undefined) return pass.evaluator.fill(graph.output, await bindingsOf(pass, pathOf(scope, last[0]?.key ?? ''), { values: [graph.output] }));
  const rows = await Promise.all(last.map(({ key }) => pass.rows.get(pathOf(scope, key))));
  const [only, ...others] = rows.filter(({ status }) => status === 'completed');
  if (others.length === 0) return only?.output ?? null;
  return Object.fromEntries([only, ...others].flatMap((row) => (row ? [[keyOf(row.path), row.output]] : [])));
}

/** A scope whose steps have all ended results in its output. */
export async function completeScope(pass: Pass, scope: string): Promise<void> {
  const row = await pass.rows.get(scope);
  try {
    row.output = take(pass, await outputOf(pass, scope), row.output);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    return failScope(pass, scope, error.error, scope);
  }
  closeScope(pass, row, 'completed', null);
  await scopeEnded(pass, row);
}

/** A failure ends the scope, and takes along what still runs in it; the run's own scope fails the run. */
export async function failScope(pass: Pass, scope: string, error: StepError, at: string): Promise<void> {
  await cancelUnder(pass, scope, `The step ${at} failed.`);
  if (scope === ROOT) {
    pass.run.error = { ...error, message: `${at}: ${error.message}` };
    pass.run.ends_as = 'failed';
    return;
  }
  const row = await pass.rows.get(scope);
  row.error = error;
  closeScope(pass, row, 'failed', null);
  await scopeEnded(pass, row);
}

function closeScope(pass: Pass, row: StepRow, ending: Ending, reason: string | null): void {
  Object.assign(row, { status: ending, open: 0, waiting_for: null, ended_at: pass.now, reason });
  pass.rows.touch(row);
}

/** Ends all that is open below a scope, without consequences: whoever calls it decides what follows. */
export async function cancelUnder(pass: Pass, scope: string, reason: string): Promise<void> {
  for (const row of await pass.rows.openUnder(scope)) {
    const { kind, id } = row.waiting_for ?? {};
    if (row.waiting_for && id !== null && kind !== 'event') pass.effects.push({ kind: 'release', path: row.path, waiting: row.waiting_for, reason });
    // One that is ready or put off has told of its last try already.
    if (row.status === 'waiting' && row.type !== 'scope') pass.attempts.push(attemptOf(pass, row, 'cancelled', null));
    Object.assign(row, { status: 'cancelled', due_at: null, timeout_at: null, waiting_for: null, open: 0, ended_at: pass.now, reason });
    pass.rows.touch(row);
  }
}

/** The try that a step is at, as it ends: what it waits for is still known. */
function attemptOf(pass: Pass, { path, attempt, started_at, waiting_for }: StepRow, outcome: AttemptRecord['outcome'], error: StepError | null, output: unknown = null): AttemptRecord {
  return { path, attempt, started_at, ended_at: pass.now, outcome, error, made: (waiting_for?.id ?? null) === null ? null : waiting_for, output };
}

/** A branch or an item has ended: its `parallel` or `map` counts it, opens the next, or ends. */
async function scopeEnded(pass: Pass, row: StepRow): Promise<void> {
  const container = await pass.rows.get(scopeOf(row.path));
  if (isEnding(container.status)) return;
  const step = pass.graph.step(container.path);
  container.open -= 1;
  if (row.status === 'completed') container.done += 1;
  else container.lost += 1;
  pass.rows.touch(container);
  await (step.type === 'map' ? nextItem(pass, container, step, row) : joinBranches(pass, container, step, row));
}

async function nextItem(pass: Pass, container: StepRow, step: Step, ended: StepRow): Promise<void> {
  const total = itemsOf(container).length;
  if (ended.status === 'failed' && step.config['on_item_error'] !== 'continue') return failContainer(pass, container, step, ended);
  if (container.done + container.lost === total) return completeTry(pass, container, step, await collected(pass, container));
  if (container.next < total && isFull(pass)) return giveUp(pass, container, step, { code: 'too_many_steps', message: `The run has more than ${MOST_STEPS} steps.`, passing: false }, 'There are too many steps.');
  const most = concurrencyOf(step);
  while (container.next < total && container.open < most) {
    container.next += 1;
    container.open += 1;
    openScope(pass, pathOf(container.path, String(container.next - 1)));
  }
}

/** One output for each item, in their order; null for an item that failed. */
async function collected(pass: Pass, container: StepRow): Promise<unknown[]> {
  const scopes = (await pass.rows.in(container.path)).filter(({ type }) => type === 'scope');
  return scopes.sort((a, b) => Number(keyOf(a.path)) - Number(keyOf(b.path))).map(({ status, output }) => (status === 'completed' ? output : null));
}

async function joinBranches(pass: Pass, container: StepRow, step: Step, ended: StepRow): Promise<void> {
  const join = (step.config['join'] ?? 'all') as Step['join'];
  const total = step.scopes?.length ?? 0;
  const needed = join === 'all' ? total : join === 'any' ? 1 : join;
  if (container.lost > total - needed) return failContainer(pass, container, step, ended);
  if (container.done < needed) return;
  const branches = (await pass.rows.in(container.path)).filter(({ type, status }) => type === 'scope' && status === 'completed');
  await cancelUnder(pass, container.path, 'Enough of the other branches are done.');
  container.open = 0;
  await completeTry(pass, container, step, Object.fromEntries(branches.map(({ path, output }) => [keyOf(path), output])));
}

async function failContainer(pass: Pass, container: StepRow, step: Step, ended: StepRow): Promise<void> {
  const error = ended.error ?? { code: 'failed', message: 'A step failed.', passing: false };
  await giveUp(pass, container, step, { ...error, message: `${keyOf(ended.path)}: ${error.message}`, passing: false }, `${keyOf(ended.path)} failed.`);
}

/** What runs in a step is given up, and the step has failed. */
async function giveUp(pass: Pass, container: StepRow, step: Step, error: StepError, reason: string): Promise<void> {
  await cancelUnder(pass, container.path, reason);
  container.open = 0;
  await failTry(pass, container, step, error);
}
