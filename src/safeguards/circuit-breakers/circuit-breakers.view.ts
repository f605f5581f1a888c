import type { TargetKind } from '../../platform/egress/breakers.port.js';
import type { TransitionRow } from './breaker-rows.js';
import { targetText } from './breaker-target.js';
import type { CircuitBreaker } from './circuit-breaker.entity.js';
import type { BreakerScope, BreakerState } from './circuit-breaker.machine.js';

/** A circuit breaker: what it stands in front of, when it opens, and how it stands now. */
export class CircuitBreakerView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example payments-api */
  name!: string;
  /**
   * tenant, or global: it counts for all tenants.
   * @example tenant
   */
  scope!: BreakerScope;
  /** @example "host:api.example.com" */
  target!: string;
  /** @example host */
  target_kind!: TargetKind;
  /** @example api.example.com */
  target_name!: string;
  /**
   * closed: calls go through. open: they are refused. half_open: some go through as probes.
   * @example closed
   */
  state!: BreakerState;
  /**
   * Somebody holds it open or closed until it is reset.
   * @example false
   */
  forced!: boolean;
  /** @example 5 */
  failure_threshold!: number | null;
  /** @example 0.5 */
  failure_rate!: number | null;
  /** @example 5000 */
  slow_call_ms!: number | null;
  /** @example 0.8 */
  slow_call_rate!: number | null;
  /** @example 10 */
  minimum_calls!: number;
  /** @example 60 */
  window_seconds!: number;
  /** @example 30 */
  open_seconds!: number;
  /** @example 2 */
  open_factor!: number;
  /** @example 600 */
  max_open_seconds!: number;
  /** @example 3 */
  half_open_max!: number;
  /** @example 2 */
  success_threshold!: number;
  /**
   * Failures of the window, over all processes, as of the last one.
   * @example 0
   */
  recent_failures!: number;
  /**
   * Times that it has opened without having closed between.
   * @example 0
   */
  openings!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  opened_at!: string | null;
  /**
   * From then on the next call is let through as a probe. Null while it is closed or held open.
   * @example 2026-01-31T09:30:30.000Z
   */
  next_probe_at!: string | null;
  /**
   * When a refused call may be tried again, as far as that is known.
   * @example 2026-01-31T09:30:30.000Z
   */
  retry_at!: string | null;
  /**
   * Grows by one with every change of its settings or its state.
   * @example 1
   */
  revision!: number;
  /** @example 2026-01-31T09:00:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
}

/** Calls of a window. */
export class CallCountsView {
  /** @example 12 */
  calls!: number;
  /** @example 5 */
  failures!: number;
  /** @example 0 */
  slow!: number;
}

/** A change of how a circuit breaker stands. */
export class BreakerTransitionView {
  /** @example closed */
  from!: string;
  /** @example open */
  to!: string;
  /** @example false */
  forced!: boolean;
  /** @example "5 failures within 60 s; the last: HTTP 503" */
  reason!: string;
  /**
   * system, or who did it: user, api_key, bootstrap.
   * @example system
   */
  by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  by_id!: string | null;
  /** What was counted when it opened by itself. */
  counts!: CallCountsView | null;
  /** @example 2026-01-31T09:30:00.000Z */
  at!: string;
}

/** A circuit breaker with what became of it lately. */
export class CircuitBreakerDetailView extends CircuitBreakerView {
  /** The latest first, at most 20. */
  transitions!: BreakerTransitionView[];
}

export function toCircuitBreakerView(row: CircuitBreaker): CircuitBreakerView {
  const { id, name, scope, target_kind, target_name, state, forced, failures, openings, opened_at, next_probe_at, revision, created_at, updated_at } = row;
  const { failure_threshold, failure_rate, slow_call_ms, slow_call_rate, minimum_calls, window_seconds, open_seconds, open_factor, max_open_seconds, half_open_max, success_threshold } = row;
  const next = next_probe_at?.toISOString() ?? null;
  return {
    id, name, scope, target: targetText({ kind: target_kind, name: target_name }), target_kind, target_name, state, forced,
    failure_threshold, failure_rate, slow_call_ms, slow_call_rate, minimum_calls, window_seconds, open_seconds, open_factor, max_open_seconds, half_open_max, success_threshold,
    recent_failures: failures.length, openings, opened_at: opened_at?.toISOString() ?? null, next_probe_at: next, retry_at: next,
    revision, created_at: created_at.toISOString(), updated_at: updated_at.toISOString(),
  };
}

export function toDetailView({ breaker, transitions }: { breaker: CircuitBreaker; transitions: readonly TransitionRow[] }): CircuitBreakerDetailView {
  return { ...toCircuitBreakerView(breaker), transitions: transitions.map(toTransitionView) };
}

function toTransitionView({ from_state: from, to_state: to, forced, reason, by_kind, by_id, counts, created_at }: TransitionRow): BreakerTransitionView {
  return { from, to, forced, reason, by_kind, by_id, counts, at: created_at.toISOString() };
}
