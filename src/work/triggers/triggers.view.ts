import type { FiringStatus, TriggerFiring } from './trigger-firing.entity.js';
import type { ActionType, TriggerType } from './trigger-config.js';
import type { ShownTrigger } from './triggers.service.js';

/** What a trigger does when it fires. */
export class TriggerActionView {
  /** @example send_notification */
  type!: ActionType;
  /** @example { "title": "A task failed: {% $event.data.error %}", "severity": "warning", "to": { "roles": ["admin"] } } */
  config!: Record<string, unknown>;
}

/** What is done, how often at most, when something happens. */
export class TriggerView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "Tell us of failed tasks" */
  name!: string;
  /** @example null */
  description!: string | null;
  /** @example event */
  type!: TriggerType;
  /** @example { "event": "task.failed", "filter": "$event.data.fence > 1" } */
  config!: Record<string, unknown>;
  /** What it does. */
  action!: TriggerActionView;
  /** @example true */
  enabled!: boolean;
  /** @example 100 */
  max_per_hour!: number;
  /** @example 0 */
  cooldown_seconds!: number;
  /** @example 0 */
  coalesce_seconds!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  last_fired_at!: string | null;
  /** @example user */
  created_by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  created_by_id!: string;
  /**
   * Grows by one with every change.
   * @example 1
   */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
}

/** One firing, or what was passed over for one reason. */
export class TriggerFiringView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  trigger_id!: string;
  /**
   * pending, fired, skipped or failed.
   * @example fired
   */
  status!: FiringStatus;
  /**
   * Why it was skipped (cooldown, rate_cap, loop, disabled, hidden from who has changed it) or what failed.
   * @example null
   */
  reason!: string | null;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
  event_id!: string | null;
  /**
   * What made it fire, the first of several; without its data for who may not see such events.
   * @example { "id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03", "name": "task.failed", "occurred_at": "2026-01-31T09:30:00.000Z", "data": {} }
   */
  event!: object;
  /**
   * How many events it stands for.
   * @example 1
   */
  count!: number;
  /**
   * The triggers that led to it.
   * @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00"]
   */
  chain!: string[];
  /**
   * What came of it: task_id, run_id, delivery_id, not_told (users who are gone), or nothing.
   * @example { "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b04" }
   */
  result!: Record<string, unknown> | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  ended_at!: string | null;
}

/** What was passed over, by reason. */
export class BacktestSkippedView {
  /** @example 3 */
  cooldown!: number;
  /** @example 0 */
  rate_cap!: number;
  /**
   * What the trigger itself had led to.
   * @example 0
   */
  loop!: number;
}

/** What would have become of one event. */
export class BacktestSampleView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
  event_id!: string | null;
  /** @example task.failed */
  event!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  occurred_at!: string;
  /**
   * fires, coalesced, cooldown or rate_cap.
   * @example fires
   */
  outcome!: string;
}

/** What a trigger would have done. */
export class BacktestView {
  /**
   * From when on all that it depends on is known: later than asked for where it is not kept, or was too much.
   * @example 2026-01-24T09:30:00.000Z
   */
  from!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  to!: string;
  /**
   * Events that were looked at.
   * @example 1200
   */
  events!: number;
  /** @example 12 */
  matched!: number;
  /** @example 9 */
  would_fire!: number;
  /**
   * Events that would have been part of another's firing.
   * @example 0
   */
  coalesced!: number;
  /** What would have been passed over. */
  skipped!: BacktestSkippedView;
  /**
   * Events of which the filter says nothing.
   * @example 0
   */
  failed_filters!: number;
  /**
   * Whether there is more than was looked at.
   * @example false
   */
  truncated!: boolean;
  /**
   * What is not known of the time that was asked for, and why.
   * @example []
   */
  notes!: string[];
  /** The first fifty events that matched. */
  samples!: BacktestSampleView[];
}

export function toTriggerView({ tenant_id: _tenant, as_role: _role, author: _author, last_fired_at, created_at, updated_at, ...rest }: ShownTrigger): TriggerView {
  return { ...rest, last_fired_at: last_fired_at?.toISOString() ?? null, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() };
}

export function toTriggerFiringView({ id, trigger_id, status, reason, event_id, event, count, chain, result, created_at, ended_at }: TriggerFiring): TriggerFiringView {
  return { id, trigger_id, status, reason, event_id, event, count, chain, result, created_at: created_at.toISOString(), ended_at: ended_at?.toISOString() ?? null };
}
