import type { Dependency, Join, Step } from './graph.js';

/** How a step has ended for good. */
export type Ending = 'completed' | 'failed' | 'skipped' | 'cancelled';

/** What a step knows of the edges that lead to it. */
export interface Arrivals {
  /** Edges whose step has ended. */
  arrived: number;
  /** Those that were taken. */
  taken: number;
  /** Those whose step was skipped: they count neither for nor against. */
  absent: number;
}

/** Whether an edge is taken when its step ends so. @param branch what a condition has chosen */
export function isTaken(edge: Dependency, from: Step, ending: Ending, branch?: string): boolean {
  const on = edge.on ?? 'completed';
  if (ending === 'failed') return on !== 'completed' || from.on_error === 'continue';
  return ending === 'completed' && on !== 'failed' && (edge.branch === undefined || edge.branch === branch);
}

/** Whether the failure of a step is provided for. @param edges those that leave it */
export const isProvidedFor = (step: Step, edges: readonly Dependency[]): boolean => step.on_error === 'continue' || edges.some(({ on }) => on === 'failed' || on === 'ended');

/** What becomes of a step that waits for its edges. @param total how many there are */
export function decide(join: Join, total: number, { arrived, taken, absent }: Arrivals): 'run' | 'skip' | 'wait' {
  const open = total - arrived;
  if (join === 'all') {
    if (open > 0) return 'wait';
    return taken > 0 && taken + absent === total ? 'run' : 'skip';
  }
  const needed = join === 'any' ? 1 : join;
  if (taken >= needed) return 'run';
  return taken + open < needed ? 'skip' : 'wait';
}
