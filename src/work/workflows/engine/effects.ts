import { newId } from '../../../core/ids.js';
import type { Problem } from '../../../core/problem.js';
import type { Effect } from '../../../core/workflows/pass.js';
import type { StepError, WaitingFor } from '../../../core/workflows/rows.js';
import type { NewFact } from './runs.repository.js';

/** Something that a step of a run wants done. `id` is its own: what it waits for is known by it. */
export type Wanted = Extract<Effect, { id: string }> & { runId: string; workflowId: string; depth: number; requester: string | null };

/** Does one kind of what steps want, in the transaction of their transition. */
export interface EffectMaker {
  /** @returns what is decided at once: refusals, and what needed no waiting */
  make(wanted: readonly Wanted[]): Promise<NewFact[]>;
  /** Nobody waits for these any more. */
  release?(ids: readonly string[], reason: string): Promise<void>;
}

/** Which of a step's effects a maker does, and what its step waits for. */
export type Makers = ReadonlyMap<Wanted['kind'], { waitsFor: WaitingFor['kind'] | null; maker: EffectMaker }>;

export const completedFact = ({ runId, path, attempt }: Pick<Wanted, 'runId' | 'path' | 'attempt'>, output: unknown): NewFact => ({ id: newId(), runId, path, attempt, outcome: 'completed', output, error: null });

export const failedFact = ({ runId, path, attempt }: Pick<Wanted, 'runId' | 'path' | 'attempt'>, error: StepError, output: unknown = null): NewFact => ({ id: newId(), runId, path, attempt, outcome: 'failed', output, error });

/** What a refusal says to a run: asking again helps where it says that it may. */
export const errorOf = ({ code, message, status }: Problem): StepError => ({ code, message, passing: status === 429 || status >= 500 });
