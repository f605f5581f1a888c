import type { Step } from './graph.js';
import type { Pass } from './pass.js';
import { emptyStep, isEnding, type StepRow } from './rows.js';

/** Compensations stand beside the scopes of the run: no key begins so. */
const UNDO = '~';
/** What undoes something is tried more than once: nobody else will do it. */
const TRIES = { attempts: 5, backoff: 'exponential', delay_seconds: 1, max_delay_seconds: 60, jitter: true } as const;

export const isUndoing = (path: string): boolean => path.startsWith(UNDO);

/** The step of the graph that a row stands for; for a compensation, one made of what it does. */
export function stepFor(pass: Pass, row: StepRow): Step {
  if (row.undoes === null) return pass.graph.step(row.path);
  const undone = pass.graph.step(row.undoes);
  if (!undone.compensate) throw new Error(`${row.undoes} is not undone by anything.`);
  const { type, config, input } = undone.compensate;
  return { key: row.path, name: `Undo ${undone.name}`, type, depends_on: [], join: 'all', ...(input === undefined ? {} : { input }), retry: TRIES, on_error: 'continue', config };
}

/**
 * Undoes what was completed, one step after the other, the last one first; when nothing is left, the run ends as it was to.
 * What cannot be undone is said in the run's error, and does not keep the rest from being undone.
 */
export async function undoNext(pass: Pass): Promise<void> {
  const { run } = pass;
  if (run.ends_as === null) throw new Error('A run that does not end undoes nothing.');
  run.status = 'compensating';
  run.timeout_at = null;
  const undoable = await pass.rows.lastUndoable();
  if (!undoable) {
    run.status = run.ends_as;
    run.ended_at = pass.now;
    return;
  }
  undoable.undoable = false;
  undoable.undone = true;
  pass.rows.touch(undoable);
  const row = { ...emptyStep(`${UNDO}${undoable.ended_seq ?? 0}`, stepType(pass, undoable)), status: 'ready' as const, undoes: undoable.path };
  pass.rows.add([row]);
  run.steps += 1;
  pass.ready.push(row);
}

const stepType = (pass: Pass, row: StepRow): string => pass.graph.step(row.path).compensate?.type ?? row.type;

/** Goes on behind a compensation that has ended. */
export async function afterUndoing(pass: Pass, row: StepRow): Promise<void> {
  if (!isEnding(row.status)) return;
  if (row.status === 'failed' && row.undoes !== null) {
    const undone = await pass.rows.get(row.undoes);
    undone.undone = false;
    undone.reason = `It could not be undone: ${row.error?.message ?? 'for no reason given'}`;
    pass.rows.touch(undone);
    const message = `${row.undoes} could not be undone.`;
    pass.run.error = pass.run.error ? { ...pass.run.error, message: `${pass.run.error.message} ${message}`.slice(0, 4_000) } : { code: 'not_undone', message, passing: false };
  }
  await undoNext(pass);
}

