export type BreakerScope = 'tenant' | 'global';
export type BreakerState = 'closed' | 'open' | 'half_open';

/** A failure: when (in ms), and what told of it, so that what is told twice counts once. */
export type FailureMark = [at: number, key: string | null];

/** When a breaker opens, for how long, and what closes it. */
export interface BreakerSettings {
  /** Failures within the window that open it; null: not by their number. */
  failure_threshold: number | null;
  /** Share of failed calls in the window that opens it, from `minimum_calls` on. */
  failure_rate: number | null;
  slow_call_ms: number | null;
  slow_call_rate: number | null;
  minimum_calls: number;
  window_seconds: number;
  open_seconds: number;
  /** Each time that it opens again without having closed, it stays open so many times as long. */
  open_factor: number;
  max_open_seconds: number;
  half_open_max: number;
  success_threshold: number;
}

/** How a breaker stands. A forced one stays as it is until somebody says otherwise. */
export interface BreakerStanding {
  state: BreakerState;
  forced: boolean;
  epoch: number;
  openings: number;
  opened_at: Date | null;
  next_probe_at: Date | null;
  half_open_successes: number;
  failures: FailureMark[];
}

/** Calls in a window. */
export interface CallCounts {
  calls: number;
  failures: number;
  slow: number;
}

type Breaker = BreakerSettings & BreakerStanding;

const CLOSED = { state: 'closed', openings: 0, opened_at: null, next_probe_at: null, half_open_successes: 0, failures: [] } as const;

/** How long it stays open when it opens for the `openings`th time in a row, in seconds. */
export function openFor({ open_seconds: first, open_factor: factor, max_open_seconds: most }: BreakerSettings, openings: number): number {
  return Math.max(first, Math.min(most, first * factor ** Math.max(0, openings - 1)));
}

/** Adds failures to those of the window. @returns what is kept, and whether they are enough to open it */
export function withFailures(breaker: Breaker, marks: readonly FailureMark[], now: Date): { failures: FailureMark[]; tripped: boolean } {
  const most = breaker.failure_threshold;
  if (most === null) return { failures: [], tripped: false };
  const since = now.getTime() - breaker.window_seconds * 1000;
  const kept = breaker.failures.filter(([at]) => at > since);
  for (const mark of marks) {
    const known = mark[1] !== null && kept.some(([, key]) => key === mark[1]);
    if (!known && mark[0] > since) kept.push(mark);
  }
  return { failures: kept.slice(-most), tripped: kept.length >= most };
}

/** Why the calls of a window open a breaker; undefined when they do not. */
export function rateBroken(settings: BreakerSettings, { calls, failures, slow }: CallCounts): string | undefined {
  if (calls < settings.minimum_calls) return undefined;
  if (settings.failure_rate !== null && failures / calls >= settings.failure_rate) return `${failures} of ${calls} calls failed.`;
  if (settings.slow_call_rate !== null && slow / calls >= settings.slow_call_rate) return `${slow} of ${calls} calls were slow.`;
  return undefined;
}

/** Opens, for longer each time in a row. */
export function opened(breaker: Breaker, now: Date): BreakerStanding {
  const openings = breaker.openings + 1;
  const next = new Date(now.getTime() + openFor(breaker, openings) * 1000);
  return { state: 'open', forced: false, epoch: breaker.epoch + 1, openings, opened_at: now, next_probe_at: next, half_open_successes: 0, failures: [] };
}

/** Opens and stays so. */
export function forcedOpen(breaker: Breaker, now: Date): BreakerStanding {
  return { ...opened(breaker, now), forced: true, next_probe_at: null };
}

/** Closes; `forced`: and stays so, whatever fails. */
export function closed(breaker: Breaker, forced = false): BreakerStanding {
  return { ...CLOSED, failures: [], forced, epoch: breaker.epoch + 1 };
}

/** Whether an open breaker's time is over: the next call is a probe. */
export function isProbeDue({ state, forced, next_probe_at: next }: BreakerStanding, now: Date): boolean {
  return state === 'open' && !forced && next !== null && next <= now;
}

/** Lets probes through. */
export function halfOpened(breaker: Breaker): BreakerStanding {
  return { ...standingOf(breaker), state: 'half_open', epoch: breaker.epoch + 1, next_probe_at: null, half_open_successes: 0, failures: [] };
}

/** Whether another probe may go beside those under way: never more at once than allowed, nor more than it takes to close. */
export function admitsProbe(breaker: Breaker, underWay: number): boolean {
  const { state, half_open_max: most, success_threshold: enough, half_open_successes: succeeded } = breaker;
  return state === 'half_open' && underWay < most && underWay + succeeded < Math.max(most, enough);
}

/** A probe has ended. */
export function probed(breaker: Breaker, succeeded: boolean, now: Date): BreakerStanding {
  if (!succeeded) return opened(breaker, now);
  const successes = breaker.half_open_successes + 1;
  return successes >= breaker.success_threshold ? closed(breaker) : { ...standingOf(breaker), half_open_successes: successes };
}

function standingOf({ state, forced, epoch, openings, opened_at, next_probe_at, half_open_successes, failures }: Breaker): BreakerStanding {
  return { state, forced, epoch, openings, opened_at, next_probe_at, half_open_successes, failures };
}
