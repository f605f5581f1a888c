/** How often a trigger may fire. */
export interface Pace {
  max_per_hour: number;
  cooldown_seconds: number;
  coalesce_seconds: number;
}

/** What of its past a trigger's pace depends on. */
export interface PaceState {
  last_fired_at: Date | null;
  /** When the hour began in which `hour_count` firings were. */
  hour_at: Date | null;
  hour_count: number;
  /** The firing that still gathers events, until then. */
  gathering: { id: string; until: Date } | null;
}

export type SkipReason = 'cooldown' | 'rate_cap';

export type Decision = { fire: { due: Date } } | { join: string } | { skip: SkipReason };

const HOUR_MS = 3_600_000;

/** What becomes of something that happened `at`, and what the trigger remembers of it. Pure: a backtest asks the same. */
export function decide(pace: Pace, state: PaceState, at: Date, id: string): { decision: Decision; state: PaceState } {
  if (state.gathering && at < state.gathering.until) return { decision: { join: state.gathering.id }, state };
  const current = ofHour(state, at);
  // Without a cooldown nothing is too early: events come in the order of their commits, which is not that of their times.
  if (pace.cooldown_seconds > 0 && current.last_fired_at && at.getTime() < current.last_fired_at.getTime() + pace.cooldown_seconds * 1000) return { decision: { skip: 'cooldown' }, state: current };
  if (current.hour_count >= pace.max_per_hour) return { decision: { skip: 'rate_cap' }, state: current };
  const due = new Date(at.getTime() + pace.coalesce_seconds * 1000);
  const gathering = pace.coalesce_seconds > 0 ? { id, until: due } : null;
  return { decision: { fire: { due } }, state: { ...current, last_fired_at: latest(current.last_fired_at, due), hour_count: current.hour_count + 1, gathering } };
}

const latest = (one: Date | null, other: Date): Date => (one && one > other ? one : other);

/** An hour begins with its first firing. */
function ofHour(state: PaceState, at: Date): PaceState {
  const isOver = !state.hour_at || at.getTime() >= state.hour_at.getTime() + HOUR_MS;
  return { ...state, gathering: null, ...(isOver ? { hour_at: at, hour_count: 0 } : {}) };
}
