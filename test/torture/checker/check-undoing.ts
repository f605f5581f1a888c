import type { ExpectedRun, WorkflowSnapshot } from './check-workflows.ts';
import type { Violation } from './snapshot.ts';

type Run = WorkflowSnapshot['runs'][number];
type Steps = WorkflowSnapshot['steps'];

/** Of a run that failed or was cancelled, all that can be undone was, once each, and the last of it first; of one that is completed, nothing. */
export function checkUndoing(run: Run, steps: Steps, expected: Pick<ExpectedRun, 'retried' | 'compensated'> = {}): Violation[] {
  const undo = steps.filter(({ undoes }) => undoes !== null);
  if (run.status === 'completed') return undo.map(({ path }) => ({ rule: 'undone in vain', detail: `${path} of ${run.id}, which is completed` }));
  if (run.status !== 'failed' && run.status !== 'cancelled') return [];
  const times = (path: string): number => undo.filter(({ undoes, status }) => undoes === path && status === 'completed').length;
  const left = steps.filter(({ undoable }) => undoable).map(({ path }) => ({ rule: 'not undone', detail: `${path} of ${run.id}` }));
  // What was done again after a retry has been undone more than once, and in more than one row of turns.
  if (expected.retried) return [...left, ...steps.filter(({ path, undone }) => undone && times(path) === 0).map(({ path }) => ({ rule: 'not undone', detail: `${path} of ${run.id}, which was tried again` }))];
  const wrong = toBeUndone(steps, expected.compensated ?? []).filter(({ path, undoable }) => !undoable && times(path) !== 1);
  return [...left, ...wrong.map(({ path }) => ({ rule: 'not undone', detail: `${path} of ${run.id} was undone ${times(path)} times` })), ...turns(run.id, steps, undo)];
}

/** By the engine's own word or by the definition: a step that it takes for one without a way back is noticed too. */
function toBeUndone(steps: Steps, compensated: readonly string[]): Steps {
  const known = new Set(compensated);
  return steps.filter(({ path, status, undoes, undone }) => undoes === null && (undone || (status === 'completed' && known.has(ofAllItems(path)))));
}

/** One after the other, in the reverse order of what they undo. */
function turns(id: string, steps: Steps, undo: Steps): Violation[] {
  const seq = new Map(steps.map(({ path, ended_seq: at }) => [path, at ?? 0]));
  const done = undo.filter(({ status }) => status === 'completed').sort((a, b) => (a.ended_seq ?? 0) - (b.ended_seq ?? 0));
  return done.flatMap((row, at) => {
    const before = done[at - 1];
    if (!before) return [];
    const isEarly = (row.began ?? Infinity) < (before.ended ?? 0);
    const isReverse = (seq.get(row.undoes ?? '') ?? 0) < (seq.get(before.undoes ?? '') ?? 0);
    return isReverse && !isEarly ? [] : [{ rule: 'undone out of turn', detail: `${row.path} of ${id}, ${isReverse ? 'begun before the one before it had ended' : `which undoes ${row.undoes}, after ${before.path}`}` }];
  });
}

/** The items of a `map` are numbered; a definition knows one. */
export const ofAllItems = (path: string): string => path.replaceAll(/\/\d+(?=\/)/g, '/item');
