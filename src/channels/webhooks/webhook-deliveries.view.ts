import type { DeliveryStatus, WebhookDelivery } from './webhook-delivery.entity.js';

/** One try to send a message. */
export class DeliveryAttemptView {
  /** @example 1 */
  number!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  at!: string;
  /** @example 84 */
  duration_ms!: number;
  /**
   * Null when there was no answer.
   * @example 503
   */
  status!: number | null;
  /** @example "It was answered with status 503." */
  error!: string | null;
  /**
   * The first bytes of what was answered, without secrets.
   * @example "try later"
   */
  answer!: string | null;
}

/** A message to a receiver. */
export class WebhookDeliveryView {
  /**
   * The receiver has it as `webhook-id`, the same for each try.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  id!: string;
  /** Null for a call that was made without a webhook. */
  webhook_id!: string | null;
  /**
   * Of an event: its id. There is one delivery of it to a webhook.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  key!: string;
  /** @example task.completed */
  type!: string;
  /** @example null */
  order_key!: string | null;
  /** @example pending */
  status!: DeliveryStatus;
  /**
   * Tries, of which the last thirty are told.
   * @example 1
   */
  attempt_count!: number;
  attempts!: DeliveryAttemptView[];
  /**
   * When it is tried next. Null when it has ended, and while an earlier one of its order key is under way.
   * @example null
   */
  next_attempt_at!: string | null;
  /**
   * `circuit_open` while a circuit breaker holds it back, which counts as no try.
   * @example null
   */
  waiting_for!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  occurred_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example null */
  ended_at!: string | null;
}

/** A message to a receiver, with what it says. */
export class WebhookDeliveryDetailView extends WebhookDeliveryView {
  /** @example { "task_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00" } */
  data!: Record<string, unknown>;
}

/** How many are sent again. */
export class RedeliveredView {
  /** @example 12 */
  accepted!: number;
}

export function toDeliveryView(row: WebhookDelivery): WebhookDeliveryView {
  return {
    id: row.id,
    webhook_id: row.webhook_id,
    key: row.key,
    type: row.type,
    order_key: row.order_key,
    status: row.status,
    attempt_count: row.attempt_count,
    attempts: row.attempts,
    next_attempt_at: row.status === 'pending' ? (row.due_at?.toISOString() ?? null) : null,
    waiting_for: row.waiting_for,
    occurred_at: row.occurred_at.toISOString(),
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}

export const toDeliveryDetailView = (row: WebhookDelivery): WebhookDeliveryDetailView => ({ ...toDeliveryView(row), data: row.data });
