import type { RunStatus, StepError, StepStatus } from '../../../core/workflows/rows.js';
import type { AttemptRow, ShownStep, UnheardRow } from './run-rows.js';
import type { WorkflowRun } from './workflow-run.entity.js';

/** Why a run or a step failed. */
export class RunErrorView {
  /** @example http_503 */
  code!: string;
  /** @example "publish: The answer had the status 503." */
  message!: string;
}

/** What something was started by, waits for, or made. */
export class RunReferenceView {
  /** @example task */
  kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string | null;
}

/** A run that was started. */
export class StartedRunView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  run_id!: string;
  /** @example pending */
  status!: RunStatus;
}

/** A run of a workflow. */
export class WorkflowRunView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  workflow_id!: string;
  /**
   * The version that it started with, and keeps.
   * @example 3
   */
  version!: number;
  /**
   * compensating: it has failed or was cancelled, and what was done is being undone.
   * @example running
   */
  status!: RunStatus;
  /** @example {"version": "1.4.0"} */
  input!: unknown;
  /** @example {"released": true} */
  output!: unknown;
  error!: RunErrorView | null;
  started_by!: RunReferenceView;
  /** The run that started it, if one did. */
  parent_run_id!: string | null;
  /**
   * Why the plane itself could not move it on; it is tried again by itself.
   * @example null
   */
  breakage!: string | null;
  /** @example "2026-01-01T09:30:00.000Z" */
  timeout_at!: string | null;
  /** @example "2026-01-01T09:00:00.000Z" */
  created_at!: string;
  /** @example "2026-01-01T09:00:00.010Z" */
  started_at!: string | null;
  /** @example null */
  ended_at!: string | null;
  /** @example 4 */
  revision!: number;
}

/** A try of a step that is over. */
export class StepAttemptView {
  /** @example 1 */
  attempt!: number;
  /** @example failed */
  outcome!: 'completed' | 'failed' | 'cancelled';
  error!: RunErrorView | null;
  /** What a try that failed was answered. */
  output!: unknown;
  /** What it made: its task, its approval, its child run. */
  made!: RunReferenceView | null;
  /** @example "2026-01-01T09:00:00.010Z" */
  started_at!: string | null;
  /** @example "2026-01-01T09:00:04.310Z" */
  ended_at!: string;
}

/** How the scopes of a step stand: branches of parallel, items of map. */
export class RunScopesView {
  /** @example 10 */
  open!: number;
  /** @example 4200 */
  completed!: number;
  /** @example 3 */
  failed!: number;
}

/** A step of a run. */
export class RunStepView {
  /**
   * Its way from the run's own scope: key, or step/item/key, or step/branch/key.
   * @example each/3/lint
   */
  path!: string;
  /** @example lint */
  key!: string;
  /** @example Lint */
  name!: string;
  /** @example task */
  type!: string;
  /** @example waiting */
  status!: StepStatus;
  /**
   * Why it stands where it does.
   * @example "The task 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 waits for an agent with eslint to claim it."
   */
  why!: string | null;
  /** @example 1 */
  attempt!: number;
  waiting_for!: RunReferenceView | null;
  /** @example null */
  due_at!: string | null;
  /** @example null */
  timeout_at!: string | null;
  /** Of a condition: the branch that was chosen. */
  branch!: string | null;
  /** Of parallel and map: how many of their scopes are open, completed and failed. */
  scopes!: RunScopesView | null;
  /** @example {"files": 12} */
  input!: unknown;
  /** @example {"warnings": 0} */
  output!: unknown;
  error!: RunErrorView | null;
  /** The step that it undoes, if it is a compensation. */
  undoes!: string | null;
  /** Whether it was undone. */
  undone!: boolean;
  /**
   * Its tries that are over, the first one first.
   * @example [{"attempt": 1, "outcome": "failed", "error": {"code": "http_503", "message": "The answer had the status 503."}, "output": {"status": 503}, "made": null, "started_at": "2026-01-01T09:00:00.010Z", "ended_at": "2026-01-01T09:00:04.310Z"}]
   */
  attempts!: StepAttemptView[];
  /** @example "2026-01-01T09:00:00.010Z" */
  started_at!: string | null;
  /** @example null */
  ended_at!: string | null;
}

/** Something that happened to a run and could not be taken in. */
export class UnheardFactView {
  /** @example ship */
  path!: string;
  /** @example 1 */
  attempt!: number | null;
  /** @example completed */
  outcome!: 'completed' | 'failed' | 'cancelled';
  /** @example {"parcel": 7} */
  output!: unknown;
  error!: RunErrorView | null;
  /** @example "The run has no step ship." */
  reason!: string | null;
  /** @example "2026-01-01T09:00:04.310Z" */
  happened_at!: string;
}

/** A run with its first steps. */
export class WorkflowRunDetailView extends WorkflowRunView {
  /**
   * How many of its steps have each status.
   * @example {"completed": 3, "waiting": 1}
   */
  step_counts!: Record<string, number>;
  /**
   * What happened to it and could not be taken in, so that it was given up: kept as it came, the first hundred.
   * @example []
   */
  unheard!: UnheardFactView[];
  /** What it waits for now: its first steps that have begun and not ended, each with why. */
  waits!: RunStepView[];
  /** Its first steps by path; GET /workflow-runs/{id}/steps has all. */
  steps!: RunStepView[];
}

const errorView = (error: StepError | null): RunErrorView | null => (error ? { code: error.code, message: error.message } : null);
const timeOf = (time: Date | null): string | null => time?.toISOString() ?? null;
const referenceOf = (kind: string | null, id: string | null): RunReferenceView | null => (kind === null ? null : { kind, id });

export function toRunView(run: WorkflowRun): WorkflowRunView {
  const { id, workflow_id, version, status, input, output, error, parent_run_id, breakage, revision } = run;
  return {
    id, workflow_id, version, status, input, output, error: errorView(error), started_by: { kind: run.started_by_kind, id: run.started_by_id }, parent_run_id, breakage,
    timeout_at: timeOf(run.timeout_at), created_at: run.created_at.toISOString(), started_at: timeOf(run.started_at), ended_at: timeOf(run.ended_at), revision,
  };
}

export const toUnheardView = ({ path, attempt, outcome, output, error, reason, happened_at }: UnheardRow): UnheardFactView => ({ path, attempt, outcome, output, error: errorView(error), reason, happened_at: happened_at.toISOString() });

/** A step with what is said of it from elsewhere. */
export interface ExplainedStep {
  step: ShownStep;
  name: string;
  why: string | undefined;
  attempts: readonly AttemptRow[];
}

export function toStepView({ step, name, why, attempts }: ExplainedStep): RunStepView {
  const { path, type, status, attempt, branch, input, output, undoes, undone } = step;
  return {
    path, key: path.slice(path.lastIndexOf('/') + 1), name, type, status, why: why ?? null, attempt,
    waiting_for: referenceOf(step.waiting_kind, step.waiting_id), due_at: timeOf(step.due_at), timeout_at: timeOf(step.timeout_at), branch,
    scopes: type === 'map' || type === 'parallel' ? { open: step.open, completed: step.done, failed: step.lost } : null,
    input, output, error: errorView(step.error), undoes, undone,
    attempts: attempts.map((row) => ({ attempt: row.attempt, outcome: row.outcome, error: errorView(row.error), output: row.output, made: referenceOf(row.made_kind, row.made_id), started_at: timeOf(row.started_at), ended_at: row.ended_at.toISOString() })),
    started_at: timeOf(step.started_at), ended_at: timeOf(step.ended_at),
  };
}
