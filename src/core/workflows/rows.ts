import type { Ending } from './joins.js';

/** What a run may be. `compensating`: it will fail or be cancelled once what was done is undone. */
export const RUN_STATUSES = ['pending', 'running', 'paused', 'compensating', 'completed', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/**
 * What a step may be. `pending`: its edges have not decided; `ready`: it starts as soon as the run goes on; `waiting`: for
 * something outside; `retrying`: for the time of its next try.
 */
export const STEP_STATUSES = ['pending', 'ready', 'waiting', 'retrying', 'completed', 'failed', 'skipped', 'cancelled'] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

export const isEnding = (status: StepStatus): status is Ending => status === 'completed' || status === 'failed' || status === 'skipped' || status === 'cancelled';

/** Why something failed: stable code, words for people. */
export interface StepError {
  code: string;
  message: string;
  /** Whether another try may help; errors in the definition never pass. */
  passing: boolean;
}

/** What a step waits for outside of its run. */
export interface WaitingFor {
  kind: 'task' | 'approval' | 'call' | 'run' | 'event' | 'time' | 'scopes';
  id: string | null;
}

/** A step of a run, or a scope that was entered (`type: 'scope'`): one branch, or one item of a `map`. */
export interface StepRow {
  path: string;
  type: string;
  status: StepStatus;
  /** Tries begun. Whatever is said of an earlier one is not heard any more. */
  attempt: number;
  /** The tries that came before it was undone: what it calls now is a call of its own. */
  undone_tries: number;
  arrived: number;
  taken: number;
  absent: number;
  /** Of a scope: its steps that have not ended. Of `parallel` and `map`: its scopes that are open. */
  open: number;
  /** Of `parallel` and `map`: scopes that completed, and scopes that failed. Of `wait`: the last events for which its condition took too long. */
  done: number;
  lost: number;
  /** Of `map`: the item that is next. */
  next: number;
  /** Of a condition: the branch that was chosen. */
  branch: string | null;
  waiting_for: WaitingFor | null;
  /** When the engine looks at it again by itself: a wait that ends, a next try. */
  due_at: Date | null;
  /** When it has taken too long. */
  timeout_at: Date | null;
  input: unknown;
  output: unknown;
  error: StepError | null;
  /** Why it is what it is, in words: skipped because, waiting for. */
  reason: string | null;
  /** The how manieth of its run to complete: what is undone is undone backwards. */
  ended_seq: number | null;
  /** Whether it is to be undone if its run fails: it has completed and says how. */
  undoable: boolean;
  /** Of a compensation: the step that it undoes. */
  undoes: string | null;
  /** Whether it was undone: a run that is tried again runs it again. */
  undone: boolean;
  started_at: Date | null;
  ended_at: Date | null;
}

export interface RunRow {
  id: string;
  status: RunStatus;
  input: unknown;
  output: unknown;
  error: StepError | null;
  /** What a run that compensates ends as. */
  ends_as: 'failed' | 'cancelled' | null;
  /** Steps of the run's own scope that have not ended. */
  open: number;
  /** The last `ended_seq`. */
  seq: number;
  /** How many rows it has, scopes among them. */
  steps: number;
  /** Characters of JSON that its values have had together. */
  content_size: number;
  timeout_at: Date | null;
  started_at: Date | null;
  ended_at: Date | null;
}

/** Something that happened outside of a run and concerns a step of it. */
export interface Fact {
  id: string;
  path: string;
  /** The try that it answers; null for one that concerns whatever try there is. */
  attempt: number | null;
  /** How the thing that the step waits for has ended; `cancelled` concerns the run itself: nobody wants it any more. */
  outcome: 'completed' | 'failed' | 'cancelled';
  output: unknown;
  error: StepError | null;
  /** When it was written down; left out of one that is not yet. */
  created_at?: Date;
}

/** What was told of a step and could not be taken in: the plane itself broke over it. */
export interface LostFact extends Pick<Fact, 'path' | 'attempt' | 'outcome'> {
  reason: string;
}

export const emptyStep = (path: string, type: string): StepRow => ({
  path, type, status: 'pending', attempt: 0, undone_tries: 0, arrived: 0, taken: 0, absent: 0, open: 0, done: 0, lost: 0, next: 0, branch: null, waiting_for: null, due_at: null, timeout_at: null,
  input: null, output: null, error: null, reason: null, ended_seq: null, undoable: false, undoes: null, undone: false, started_at: null, ended_at: null,
});
