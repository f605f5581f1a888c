import type { GraphIndex } from './graph.js';
import { type Pace, UNPACED } from './pace.js';
import type { Fact, RunRow, StepError, StepRow, WaitingFor } from './rows.js';

/** What an expression may see. */
export interface Bindings {
  /** The step's own input; the run's where it has none. */
  context: unknown;
  input: unknown;
  parameters: Readonly<Record<string, unknown>>;
  steps: Readonly<Record<string, { output: unknown; status: string; error: StepError | null }>>;
  run: { id: string; workflow_id: string; started_at: string | null };
  item?: unknown;
  index?: number;
  result?: unknown;
  error?: StepError | null;
  event?: unknown;
}

/** What a pass asks of the expressions of a workflow. */
export interface Evaluator {
  /** Steps that the expressions in a value name. */
  referencesOf(value: unknown): readonly string[];
  /** Steps that an expression by itself names. */
  referencesIn(expression: string): readonly string[];
  /** A value with its expressions replaced by what they say. @throws StepFailure */
  fill(value: unknown, bindings: Bindings): Promise<unknown>;
  /** What an expression by itself says. @throws StepFailure */
  evaluate(expression: string, bindings: Bindings): Promise<unknown>;
}

/** Rows of one run, loaded as they are needed. A row that is handed out may be changed: `touch` says that it was. */
export interface RunRows {
  get(path: string): Promise<StepRow>;
  /** All of these will be asked for. */
  expect(paths: readonly string[]): Promise<void>;
  add(rows: readonly StepRow[]): void;
  touch(row: StepRow): void;
  /** Rows below a scope that have not ended, scopes among them. */
  openUnder(scope: string): Promise<StepRow[]>;
  /** Rows that stand directly in a scope. */
  in(scope: string): Promise<StepRow[]>;
  ready(): Promise<StepRow[]>;
  /** Steps that were undone. */
  undone(): Promise<StepRow[]>;
  /** Of those that can be undone the one that completed last. */
  lastUndoable(): Promise<StepRow | undefined>;
}

/** What is done to the world, in the transaction of the pass. */
export type Effect =
  | { kind: 'task' | 'approval' | 'call' | 'run' | 'notify'; path: string; attempt: number; undone_tries: number; id: string; values: Readonly<Record<string, unknown>> }
  /** Something that nobody waits for any more. */
  | { kind: 'release'; path: string; waiting: WaitingFor; reason: string };

/** A try of a step that is over. */
export interface AttemptRecord {
  path: string;
  attempt: number;
  started_at: Date | null;
  ended_at: Date;
  outcome: 'completed' | 'failed' | 'cancelled';
  error: StepError | null;
  /** What it waited for: its task, its approval, its child run. */
  made: WaitingFor | null;
  /** What a try that failed was answered, where it was answered anything. */
  output: unknown;
}

/** Why a step fails, thrown on the way. */
export class StepFailure extends Error {
  constructor(readonly error: StepError) {
    super(error.message);
  }
}

/** @param passing whether another try may help */
export const failure = (code: string, message: string, passing = false): StepFailure => new StepFailure({ code, message, passing });

/** How much one transition does before it leaves the rest to the next one: a transaction should not last for seconds. */
export interface Limits {
  /** Steps that it starts. */
  steps: number;
  /** Whether it has lasted long enough. */
  isLate: () => boolean;
  pace: Pace;
}

const UNLIMITED: Limits = { steps: Infinity, isLate: () => false, pace: UNPACED };

/** One transition of one run: what has happened goes in, changed rows and effects come out. It has no clock and no chance of its own. */
export class Pass {
  readonly effects: Effect[] = [];
  readonly attempts: AttemptRecord[] = [];
  /** Steps to start. */
  readonly ready: StepRow[] = [];
  /** Facts that there was no more time for: they are heard with the next transition. */
  readonly unheard: Fact[] = [];

  constructor(
    readonly run: RunRow & { workflow_id: string },
    readonly graph: GraphIndex,
    readonly rows: RunRows,
    readonly evaluator: Evaluator,
    readonly now: Date,
    readonly newId: () => string,
    readonly random: () => number,
    readonly limits: Limits = UNLIMITED,
  ) {}

  later(seconds: number): Date {
    return new Date(this.now.getTime() + seconds * 1000);
  }
}
