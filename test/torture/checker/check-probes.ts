import type { Violation } from './snapshot.ts';

/** The breaker in front of the target that stays broken. */
export const BREAKER = { name: 'broken-target', failure_threshold: 3, window_seconds: 60, open_seconds: 3, open_factor: 1, max_open_seconds: 3, half_open_max: 2, success_threshold: 2 };

/** What a call that was let through just before takes until it arrives, in a process that has little of the machine; ms. */
const ON_THE_WAY_MS = 1_000;

/** Times are ms. */
export interface ProbeSnapshot {
  transitions: { to_state: string; at: number }[];
  arrivals: { at: number; atOnce: number }[];
  /** When processes were killed or frozen, by whatever: a probe that was lent to one is lent anew. */
  broken: number[];
}

/**
 * The target never answers well: after the breaker has first opened, whatever arrives is a probe. Of these no more are under way at once than
 * the breaker allows, and none but those arrive from one half-open state to the next, besides those that take the place of lost ones.
 */
export function checkProbes({ transitions, arrivals, broken }: ProbeSnapshot): Violation[] {
  const opened = transitions.find(({ to_state: to }) => to === 'open')?.at;
  if (opened === undefined) return [{ rule: 'breaker never opened', detail: `${arrivals.length} calls arrived at a target that is broken` }];
  const halves = transitions.filter(({ to_state: to }) => to === 'half_open').map(({ at }) => at);
  const probes = arrivals.filter(({ at }) => at > opened + ON_THE_WAY_MS);
  const within = (from: number, until: number) => ({ at }: { at: number }): boolean => at >= from && at < until;
  const violations = probes.filter(({ atOnce }) => atOnce > BREAKER.half_open_max).map(({ at, atOnce }) => ({ rule: 'too many probes', detail: `${atOnce} were under way at once, ${at - opened} ms after it opened` }));
  for (const [index, from] of halves.entries()) {
    const until = halves[index + 1] ?? Infinity;
    const count = probes.filter(({ at }) => at >= from && at < until).length;
    const lost = broken.map((at) => ({ at })).filter(within(from - ON_THE_WAY_MS, until)).length;
    if (count > BREAKER.half_open_max * (1 + lost)) violations.push({ rule: 'too many probes', detail: `${count} arrived in one half-open state, in which ${lost} processes broke` });
  }
  return [...violations, ...behind(transitions, arrivals)];
}

/** From each opening until the next half-open state nothing arrives, but what was on its way. */
function behind(transitions: ProbeSnapshot['transitions'], arrivals: ProbeSnapshot['arrivals']): Violation[] {
  return transitions.flatMap(({ to_state: to, at: from }, index) => {
    const until = transitions[index + 1]?.at ?? Infinity;
    if (to !== 'open') return [];
    return arrivals.filter(({ at }) => at > from + ON_THE_WAY_MS && at < until).map(({ at }) => ({ rule: 'called behind an open breaker', detail: `${at - from} ms after it opened` }));
  });
}
