import type { Violation } from './snapshot.ts';

/** In a run that is shorter, not every point has its turn. */
const WHOLE_SECONDS = 30;

/** Processes have ended themselves at each of the points at which they can, or nothing is shown about those at which none has. */
export function checkKills({ points, counts }: { points: readonly string[]; counts: Readonly<Record<string, number>> }, { seconds, plant }: { seconds: number; plant?: string }): Violation[] {
  if (seconds < WHOLE_SECONDS || plant !== undefined) return [];
  const missed = points.length === 0 ? ['anywhere: no process knows a point'] : points.filter((name) => !counts[name]);
  return missed.map((detail) => ({ rule: 'nobody was killed', detail }));
}
