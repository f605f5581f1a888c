import { take } from './bounds.js';
import { cancelUnder, completeTry, endStep, failTry, openScope, outputOf } from './ending.js';
import { pathOf, ROOT, type Step } from './graph.js';
import { isMeant } from './matching.js';
import { type Pass, StepFailure } from './pass.js';
import { type Fact, isEnding, type LostFact, type RunRow, type StepError, type StepRow } from './rows.js';
import { reopen } from './reopening.js';
import { begin } from './starting.js';
import { afterUndoing, isUndoing, stepFor, undoNext } from './undoing.js';

/** Facts that one transition is given at most: there may be more than so many. */
export const MOST_FACTS = 1_000;
const LONGEST_MESSAGE = 4_000;
const CANCELLED: StepError = { code: 'cancelled', message: '', passing: false };
const TIMEOUT: StepError = { code: 'timeout', message: 'It took too long.', passing: true };

/**
 * One transition of a run: applies what has happened, ends what is due, and goes on as far as it can without waiting.
 * Afterwards every step that could start has started.
 * @param due rows whose time has come
 */
export async function advance(pass: Pass, facts: readonly Fact[], due: readonly StepRow[]): Promise<void> {
  // Nobody waits for anything any more; its steps may be in an archive.
  if (pass.run.ended_at !== null) return;
  if (pass.run.status === 'pending') await beginRun(pass);
  await hearAll(pass, facts);
  // What has not been heard yet may have come in time.
  const isBehind = pass.unheard.length > 0 || facts.length >= MOST_FACTS;
  for (const row of due) await ring(pass, row, isBehind);
  if (!isBehind && pass.run.timeout_at !== null && pass.run.timeout_at <= pass.now && isGoing(pass.run)) await stop(pass, 'failed', 'The run took too long.', { ...TIMEOUT, passing: false });
  await drain(pass);
}

/** Ends a run before its end. What has happened is taken in, nothing more is begun; what runs of it is given up, what was completed is undone. */
export async function cancel(pass: Pass, reason: string, facts: readonly Fact[] = []): Promise<void> {
  if (pass.run.status !== 'pending') for (const fact of facts) await hear(pass, fact);
  await stop(pass, 'cancelled', reason, CANCELLED);
  await drain(pass);
}

/** Takes in what has happened and starts nothing, not even the undoing: of a run that is about to be given up. */
export async function takeIn(pass: Pass, facts: readonly Fact[]): Promise<void> {
  if (pass.run.ended_at !== null) return;
  for (const fact of facts) await hear(pass, fact);
}

/**
 * Ends a run that cannot go on, whatever is waiting for it. What runs of it is given up, what was completed is undone; one that is being
 * undone goes on with that.
 * @param lost what nobody could take in: a step that was done by that is not undone, and the run says so
 */
export async function fail(pass: Pass, error: StepError, lost: readonly LostFact[] = []): Promise<void> {
  const { run } = pass;
  const told = [];
  for (const { path, attempt, outcome, reason } of lost) {
    const row = await pass.rows.get(path);
    if (row.status === 'waiting' && (attempt === null || attempt === row.attempt)) told.push({ row, step: stepFor(pass, row), outcome, reason });
  }
  if (run.ends_as === null) await stop(pass, 'failed', error.message, error);
  // What was taken in before may have made the next undoing ready.
  else pass.ready.push(...(await pass.rows.ready()));
  for (const { row, step, outcome, reason } of told) {
    const message = `That it ${outcome} could not be taken in: ${reason}`;
    if (isUndoing(row.path)) {
      await failTry(pass, row, step, { ...error, message, passing: false });
      await ended(pass, row);
      continue;
    }
    row.reason = message;
    pass.rows.touch(row);
    if (outcome === 'completed' && step.compensate && run.error) run.error = { ...run.error, message: `${run.error.message} ${row.path} was done and is not undone.`.slice(0, LONGEST_MESSAGE) };
  }
  await drain(pass);
}

/** Lets no further step start. What runs may end: it is taken in. */
export async function pause(pass: Pass, facts: readonly Fact[], due: readonly StepRow[]): Promise<void> {
  if (pass.run.status === 'pending') await beginRun(pass);
  pass.run.status = 'paused';
  await advance(pass, facts, due);
}

/** Goes on with a run that failed or was cancelled, from where it did. */
export async function retry(pass: Pass): Promise<void> {
  await reopen(pass);
  await drain(pass);
}

/** What is ready starts again. */
export async function resume(pass: Pass): Promise<void> {
  pass.run.status = 'running';
  pass.ready.push(...(await pass.rows.ready()));
  await drain(pass);
}

/** Whether a run can still come to a good end. */
export const isGoing = ({ status, ends_as }: Pick<RunRow, 'status' | 'ends_as'>): boolean => (status === 'pending' || status === 'running' || status === 'paused') && ends_as === null;

async function beginRun(pass: Pass): Promise<void> {
  pass.run.status = 'running';
  pass.run.started_at = pass.now;
  const { timeout_seconds } = pass.graph.graph;
  pass.run.timeout_at = timeout_seconds === undefined ? null : pass.later(timeout_seconds);
  openScope(pass, ROOT);
}

async function stop(pass: Pass, as: 'failed' | 'cancelled', reason: string, error: StepError): Promise<void> {
  // One that has not begun has its steps to be given up all the same: whoever retries it finds them.
  if (pass.run.status === 'pending') await beginRun(pass);
  pass.ready.length = 0;
  await cancelUnder(pass, ROOT, reason);
  pass.run.ends_as = as;
  pass.run.error = { ...error, message: reason };
}

/** Hears what has happened, the first of it in any case; what there is no time for is left. */
async function hearAll(pass: Pass, facts: readonly Fact[]): Promise<void> {
  const { limits } = pass;
  for (const [at, fact] of facts.entries()) {
    if (at > 0 && limits.isLate()) return void pass.unheard.push(...facts.slice(at));
    if (limits.pace.isDue()) await limits.pace.rest();
    await hear(pass, fact);
  }
}

/** Takes in how something outside has ended, if the try that it belongs to is still waiting for it. */
async function hear(pass: Pass, fact: Fact): Promise<void> {
  const { path, attempt, outcome, output, error } = fact;
  if (outcome === 'cancelled') {
    if (isGoing(pass.run)) await stop(pass, 'cancelled', error?.message ?? 'Nobody waits for it any more.', CANCELLED);
    return;
  }
  const row = await pass.rows.get(path);
  if (row.status !== 'waiting' || (attempt !== null && attempt !== row.attempt)) return;
  const step = stepFor(pass, row);
  const isOne = row.waiting_for?.kind === 'event' ? await isMeant(pass, row, step, fact) : true;
  if (isOne === false) return;
  if (isOne !== true) await failTry(pass, row, step, isOne);
  else if (outcome === 'completed' || isTakenAnyway(step, error)) await completeTry(pass, row, step, output);
  else await failTry(pass, row, step, error ?? { code: 'failed', message: 'It failed.', passing: true }, output);
  await ended(pass, row);
}

/** Whether an approval's step goes on though nobody approved: it says so, and what follows can see it in its output. */
function isTakenAnyway({ type, config }: Step, error: StepError | null): boolean {
  if (type !== 'approval') return false;
  return (error?.code === 'approval_rejected' && config['on_reject'] === 'continue') || (error?.code === 'approval_expired' && config['on_expire'] === 'continue');
}

/** Looks at a step whose time has come: it took too long, has waited long enough, or is tried again. */
async function ring(pass: Pass, row: StepRow, isBehind: boolean): Promise<void> {
  if (row.status === 'retrying' && row.due_at !== null && row.due_at <= pass.now) {
    row.status = 'ready';
    row.due_at = null;
    pass.rows.touch(row);
    pass.ready.push(row);
    return;
  }
  if (row.status === 'ready') return goOn(pass, row);
  if (row.status !== 'waiting') return;
  const step = stepFor(pass, row);
  if (row.due_at !== null && row.due_at <= pass.now) await completeTry(pass, row, step, null);
  else if (!isBehind && row.timeout_at !== null && row.timeout_at <= pass.now) await timeOut(pass, row, step);
  else return;
  await ended(pass, row);
}

/** Goes on with what an earlier transition has left. */
async function goOn(pass: Pass, row: StepRow): Promise<void> {
  row.due_at = null;
  pass.rows.touch(row);
  // Those of this transition are among them, too: each starts once, since it is no longer ready then.
  if (pass.run.status !== 'paused') pass.ready.push(...(await pass.rows.ready()));
}

async function timeOut(pass: Pass, row: StepRow, step: Step): Promise<void> {
  const waiting = row.waiting_for;
  if (waiting && waiting.id !== null && waiting.kind !== 'event') pass.effects.push({ kind: 'release', path: row.path, waiting, reason: TIMEOUT.message });
  if (waiting?.kind === 'scopes') {
    await cancelUnder(pass, row.path, 'It took too long.');
    row.open = 0;
  }
  await failTry(pass, row, step, TIMEOUT);
}

/** Starts what is ready until nothing is, and ends the run when nothing is open. */
async function drain(pass: Pass): Promise<void> {
  const { run } = pass;
  for (let started = 0; ; started += 1) {
    if (run.ended_at !== null) return;
    if (pass.limits.pace.isDue()) await pass.limits.pace.rest();
    if ((started >= pass.limits.steps || (started > 0 && pass.limits.isLate())) && leaveRest(pass)) return;
    if (run.ends_as !== null && run.status === 'running') await undoNext(pass);
    const row = run.status === 'paused' ? undefined : pass.ready.shift();
    if (row) {
      if (row.status === 'ready') await startStep(pass, row);
      continue;
    }
    if (run.status === 'paused' && run.ends_as !== null) await undoNext(pass);
    else if (run.ends_as === null && run.open === 0) return endRun(pass);
    else return;
  }
}

/** What is ready stays so, and one of them is due: whoever comes next finds the run by it. @returns whether there is anything left */
function leaveRest({ ready, rows, now, run }: Pass): boolean {
  const rest = run.status === 'paused' ? undefined : ready.find(({ status }) => status === 'ready');
  if (!rest) return false;
  rest.due_at = now;
  rows.touch(rest);
  return true;
}

async function startStep(pass: Pass, row: StepRow): Promise<void> {
  const step = stepFor(pass, row);
  row.attempt += 1;
  row.started_at = pass.now;
  row.reason = null;
  pass.rows.touch(row);
  try {
    const started = await begin(pass, row, step);
    if (started.state === 'waiting' || started.state === 'scopes') return stand(pass, row, step, started);
    if (started.state === 'skipped') await endStep(pass, row, step, 'skipped', started.reason);
    else {
      row.branch = started.branch ?? null;
      await completeTry(pass, row, step, started.output);
    }
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    await failTry(pass, row, step, error.error);
  }
  await ended(pass, row);
}

function stand(pass: Pass, row: StepRow, step: Step, started: { state: 'waiting'; waiting: NonNullable<StepRow['waiting_for']>; due?: Date; timeout?: Date } | { state: 'scopes'; names: readonly string[] }): void {
  row.status = 'waiting';
  row.timeout_at = step.timeout_seconds === undefined ? null : pass.later(step.timeout_seconds);
  if (started.state === 'waiting') {
    if (started.timeout) row.timeout_at = started.timeout;
    row.waiting_for = started.waiting;
    row.due_at = started.due ?? null;
    return;
  }
  row.waiting_for = { kind: 'scopes', id: null };
  row.open = started.names.length;
  for (const name of started.names) openScope(pass, pathOf(row.path, name));
}

/** A compensation that has ended is followed by the next one. */
async function ended(pass: Pass, row: StepRow): Promise<void> {
  if (isUndoing(row.path) && isEnding(row.status)) await afterUndoing(pass, row);
}

async function endRun(pass: Pass): Promise<void> {
  const { run } = pass;
  if (run.status !== 'running') return;
  try {
    run.output = take(pass, await outputOf(pass, ROOT));
    run.status = 'completed';
    run.ended_at = pass.now;
    run.timeout_at = null;
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    run.error = error.error;
    run.ends_as = 'failed';
    await drain(pass);
  }
}
