import { checkUndoing } from './check-undoing.ts';
import type { Violation } from './snapshot.ts';

/** A run that was started, or may have been, and what it has to come to. */
export interface ExpectedRun {
  workflowId: string;
  /** Undefined: nobody ever answered. */
  runId: string | undefined;
  failed: boolean;
  certain: readonly (readonly [path: string, ending: string])[];
  /** Somebody tried to give it up; whether in time, nobody knows. */
  cancelled: boolean;
  /** Somebody let it go on after it had failed: what fails then fails again, and some things are done and undone twice. */
  retried?: boolean;
  /** Steps that something undoes; those of all items of a `map` alike, as `item`. */
  compensated?: readonly string[];
}

/** What the database holds of the tenant of the workflows. */
export interface WorkflowSnapshot {
  runs: { id: string; workflow_id: string; status: string; parent: string | null }[];
  steps: { run_id: string; path: string; status: string; undoes: string | null; undoable?: boolean; undone?: boolean; began?: number | null; ended?: number | null; ended_seq?: number | null; undone_tries?: number }[];
  /** Tasks that tries of steps have made. */
  made: { run_id: string; path: string; attempt: number; task_id: string }[];
  tasks: { id: string; run_id: string; open?: boolean }[];
  /** Approvals that steps ask for and nobody has decided. */
  asked?: { id: string; run_id: string }[];
  /** Tries of calls that were answered, as the run's place of the step. */
  called: string[];
  /** Keys that arrived where the calls go. */
  keys: string[];
}

const ENDINGS = new Set(['completed', 'failed', 'skipped', 'cancelled']);
const FINAL = new Set(['completed', 'failed', 'cancelled']);

/** Every run ends as its graph says, whatever died on the way; each was started once, and each try of a step made one task. */
export function checkWorkflows(expected: readonly ExpectedRun[], db: WorkflowSnapshot): Violation[] {
  const runs = Map.groupBy(db.runs.filter(({ parent }) => parent === null), ({ workflow_id: id }) => id);
  const children = Map.groupBy(db.runs.filter(({ parent }) => parent !== null), ({ parent }) => parent ?? '');
  const steps = Map.groupBy(db.steps, ({ run_id: id }) => id);
  return [
    ...db.runs.filter(({ status }) => !FINAL.has(status)).map(({ id, status }) => ({ rule: 'run never ended', detail: `${id} is still ${status}` })),
    ...[...runs].filter(([, list]) => list.length > 1).map(([id, list]) => ({ rule: 'run started twice', detail: `${id} has ${list.length} runs for one key` })),
    ...[...children].filter(([, list]) => list.length > 1).map(([parent, list]) => ({ rule: 'run started twice', detail: `${parent} started ${list.length} runs in one try` })),
    ...calls(db),
    ...expected.flatMap((run) => endings(run, runs.get(run.workflowId)?.[0], steps)),
    ...effects(db),
    ...leftovers(db),
    ...db.runs.flatMap((run) => checkUndoing(run, steps.get(run.id) ?? [], expected.find(({ runId, workflowId }) => runId === run.id || (run.parent === null && workflowId === run.workflow_id)))),
  ];
}

function endings(run: ExpectedRun, found: WorkflowSnapshot['runs'][number] | undefined, steps: ReadonlyMap<string, WorkflowSnapshot['steps']>): Violation[] {
  if (!found) return run.runId === undefined ? [] : [{ rule: 'run lost', detail: `${run.runId} was answered and is not there` }];
  if (run.cancelled && found.status === 'cancelled') return [];
  const status = run.failed ? 'failed' : 'completed';
  if (found.status !== status) return FINAL.has(found.status) ? [{ rule: 'run ended otherwise', detail: `${found.id} is ${found.status}, not ${status}` }] : [];
  if (run.failed) return [];
  const byPath = new Map((steps.get(found.id) ?? []).map((step) => [step.path, step.status]));
  return run.certain.filter(([path, ending]) => byPath.get(path) !== ending).map(([path, ending]) => ({ rule: 'step ended otherwise', detail: `${path} of ${found.id} is ${byPath.get(path) ?? 'not there'}, not ${ending}` }));
}

/** Nothing of a run that has ended is still to be done. */
function leftovers({ runs, steps, tasks, asked = [] }: WorkflowSnapshot): Violation[] {
  const ended = new Set(runs.filter(({ status }) => FINAL.has(status)).map(({ id }) => id));
  return [
    ...steps.filter(({ run_id: id, status }) => ended.has(id) && !ENDINGS.has(status)).map(({ run_id: id, path, status }) => ({ rule: 'step never ended', detail: `${path} of ${id}, which has ended, is ${status}` })),
    ...tasks.filter(({ run_id: id, open }) => ended.has(id) && open).map(({ id, run_id: run }) => ({ rule: 'work for nobody', detail: `the task ${id} of the run ${run}, which has ended, is still open` })),
    ...asked.filter(({ run_id: id }) => ended.has(id)).map(({ id, run_id: run }) => ({ rule: 'work for nobody', detail: `the approval ${id} of the run ${run}, which has ended, still waits` })),
  ];
}

const placeOf = (key: string): string => key.replace(/#\d+$/, '');

/** At least once, and always with the key of its step: nobody takes one call for two. */
function calls({ called, keys, steps }: WorkflowSnapshot): Violation[] {
  const undone = new Map(steps.map(({ run_id, path, undone_tries: tries = 0 }) => [`${run_id}/${path}`, tries]));
  const arrived = new Set(keys.map(placeOf));
  // What was undone is done anew under a key that tells how many tries there had been.
  const isKnown = (key: string): boolean => (key === placeOf(key) ? undone.has(key) : Number(key.slice(key.lastIndexOf('#') + 1)) <= (undone.get(placeOf(key)) ?? 0));
  return [
    ...called.filter((place) => !arrived.has(place)).map((place) => ({ rule: 'call lost', detail: `${place} was answered and never arrived` })),
    ...[...new Set(keys)].filter((key) => !isKnown(key)).map((key) => ({ rule: 'call under a wrong key', detail: key })),
  ];
}

/** A try that made two tasks, or a task that no try knows of. */
function effects({ made, tasks }: WorkflowSnapshot): Violation[] {
  const known = new Set(made.map(({ task_id: id }) => id));
  const tries = Map.groupBy(made, ({ run_id, path, attempt }) => `${run_id} ${path} ${attempt}`);
  return [
    ...[...tries].filter(([, list]) => list.length > 1).map(([what, list]) => ({ rule: 'effect doubled', detail: `${what} made ${list.length} tasks` })),
    ...tasks.filter(({ id }) => !known.has(id)).map(({ id, run_id: run }) => ({ rule: 'effect doubled', detail: `the task ${id} of the run ${run} belongs to no try` })),
  ];
}
