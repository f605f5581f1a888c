import { newId } from '../../../core/ids.js';
import type { Problem } from '../../../core/problem.js';
import type { Effect } from '../../../core/workflows/pass.js';
import type { StepError, WaitingFor } from '../../../core/workflows/rows.js';
import type { Moved } from './run-mover.js';
import type { NewFact } from './runs.repository.js';

/** Something that a step of a run wants done. `id` is its own: what it waits for is known by it. */
export type Wanted = Extract<Effect, { id: string }> & { runId: string; rootRunId: string; workflowId: string; depth: number; requester: string | null };

/** What is left to be done of a transition. */
export interface StandingEffects {
  wanted: Wanted[];
  released: Extract<Effect, { kind: 'release' }>[];
}

/**
 * A step may be begun and given up in one transition: another branch was first, another step failed, somebody cancelled. Then nothing is
 * made, and nothing is there to be given up.
 */
export function standingEffects({ run, pass, rows }: Pick<Moved, 'run' | 'pass' | 'rows'>): StandingEffects {
  const states = new Map(rows.map(({ row }) => [row.path, row]));
  const isAwaited = ({ path, attempt }: { path: string; attempt: number }): boolean => {
    const row = states.get(path);
    return row?.status === 'waiting' && row.attempt === attempt;
  };
  const made = pass.effects.filter((effect) => effect.kind !== 'release');
  const wanted = made.filter((effect) => effect.kind === 'notify' || isAwaited(effect));
  const dropped = new Set(made.filter((effect) => !wanted.includes(effect)).map(({ id }) => id));
  return {
    wanted: wanted.map((effect) => ({ ...effect, runId: run.id, rootRunId: run.root_run_id, workflowId: run.workflow_id, depth: run.depth, requester: run.requester })),
    released: pass.effects.filter((effect) => effect.kind === 'release').filter(({ waiting: { id } }) => id === null || !dropped.has(id)),
  };
}

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
