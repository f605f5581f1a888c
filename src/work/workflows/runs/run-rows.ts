import { decodeCursor, encodeCursor, type Page } from '../../../core/page.js';
import { invalidField } from '../../../core/problem.js';
import type { StepError, StepRow, StepStatus } from '../../../core/workflows/rows.js';
import type { Total } from '../../../platform/database/table.js';
import type { ListStepsQuery } from './runs.dto.js';

/** A step of a run, as it is read for people. */
export interface ShownStep extends Pick<StepRow, 'path' | 'type' | 'status' | 'attempt' | 'open' | 'done' | 'lost' | 'next' | 'branch' | 'due_at' | 'timeout_at' | 'input' | 'output' | 'error' | 'reason' | 'undoes' | 'undone' | 'started_at' | 'ended_at'> {
  waiting_kind: string | null;
  waiting_id: string | null;
}

/** A try of a step that is over. */
export interface AttemptRow {
  path: string;
  attempt: number;
  outcome: 'completed' | 'failed' | 'cancelled';
  error: StepError | null;
  output: unknown;
  made_kind: string | null;
  made_id: string | null;
  started_at: Date | null;
  ended_at: Date;
}

/** Whether long values are read, or only told of, as in lists. */
export type Extent = 'whole' | 'listed';

/** Reads the steps of one run, wherever they are kept. */
export interface StepsOfRun {
  /** How many have each status; scopes are none. */
  counts(): Promise<Partial<Record<StepStatus, number>>>;
  /** One page, by their paths. */
  steps(query: ListStepsQuery): Promise<Page<ShownStep>>;
  /** Steps that have begun, or could, and have not ended: what a stuck run waits for. */
  waiting(most: number): Promise<ShownStep[]>;
  /** One step with all that it holds. */
  step(path: string): Promise<ShownStep | undefined>;
  attempts(paths: readonly string[], extent: Extent): Promise<Map<string, AttemptRow[]>>;
  /** For a diagram: where each stands. */
  states(): Promise<{ path: string; status: StepStatus }[]>;
}

/** @param rows one more than asked for when there is one more */
export function pageOfSteps(rows: readonly ShownStep[], { limit, offset }: { limit: number; offset: number }, { total, beyond }: Total): Page<ShownStep> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, total, ...(beyond ? { total_is_estimate: true } : {}), limit, offset, next_cursor: rows.length > limit && last ? encodeCursor([last.path]) : null };
}

/** Behind which path a page begins. @throws Problem `invalid_request` */
export function pathAt(cursor: string): string {
  const [path] = decodeCursor(cursor, 1);
  if (typeof path !== 'string' || path.includes('\0')) throw invalidField('cursor', 'cursor', 'is not a cursor of this list');
  return path;
}

/** Something that happened to a run and could not be taken in. */
export interface UnheardRow {
  path: string;
  attempt: number | null;
  outcome: 'completed' | 'failed' | 'cancelled';
  output: unknown;
  error: StepError | null;
  reason: string | null;
  happened_at: Date;
}
