import type { StepError, StepRow } from '../../../core/workflows/rows.js';

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
