import type { SignatureForm } from './signature-forms.js';
import type { Direction, DisabledReason, Webhook } from './webhook.entity.js';
import type { WebhookHealth } from './webhooks.repository.js';

const MASKED = 'whsec_********';

/** A webhook. Its secret is masked. */
export class WebhookView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * Whether it sends events to its url, or receives at it.
   * @example outbound
   */
  direction!: Direction;
  /** @example "Deployments" */
  name!: string;
  /**
   * Where it sends; of one that receives, the path at which it does.
   * @example https://hooks.example/wheelhouse
   */
  url!: string;
  /** @example ["task.*", "agent.status"] */
  events!: string[];
  /**
   * Shown once, when it is made or rotated; masked from then on.
   * @example "whsec_********"
   */
  secret!: string;
  /**
   * Until when the secret before works on.
   * @example null
   */
  previous_secret_until!: string | null;
  /** @example task_id */
  order_by!: string | null;
  /** @example 4 */
  max_concurrent!: number;
  /** @example 15 */
  timeout_seconds!: number;
  /**
   * Of one that receives: the agent that gets a task for whatever comes in.
   * @example null
   */
  agent_id!: string | null;
  /** @example any */
  signature_form!: SignatureForm;
  /** @example 300 */
  replay_seconds!: number;
  /** @example true */
  is_enabled!: boolean;
  /**
   * Why the plane itself disabled it: the receiver answered 410, or has taken nothing for five days.
   * @example null
   */
  disabled_reason!: DisabledReason | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
  /** @example 1 */
  revision!: number;
}

/** A webhook, and how it gets on. */
export class WebhookDetailView extends WebhookView {
  /**
   * Deliveries that wait or are under way; exact up to a thousand.
   * @example 0
   */
  pending!: number;
  /**
   * Deliveries that were given up; exact up to a thousand.
   * @example 0
   */
  dead!: number;
  /**
   * Tries that failed since the last one that did not.
   * @example 0
   */
  failures!: number;
  /** @example null */
  failing_since!: string | null;
}

/** @param secret when it is to be shown */
export function toWebhookView(row: Webhook, secret?: string): WebhookView {
  return {
    id: row.id,
    direction: row.direction,
    name: row.name,
    url: row.url ?? `/webhook/${row.slug ?? ''}`,
    events: row.events,
    secret: secret ?? MASKED,
    previous_secret_until: row.previous_secret_until?.toISOString() ?? null,
    order_by: row.order_by,
    max_concurrent: row.max_concurrent,
    timeout_seconds: row.timeout_seconds,
    agent_id: row.agent_id,
    signature_form: row.signature_form,
    replay_seconds: row.replay_seconds,
    is_enabled: row.is_enabled,
    disabled_reason: row.disabled_reason,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    revision: row.revision,
  };
}

export const toWebhookDetailView = (row: Webhook, { pending, dead, failures, failing_since }: WebhookHealth): WebhookDetailView => ({
  ...toWebhookView(row),
  pending,
  dead,
  failures,
  failing_since: failing_since?.toISOString() ?? null,
});
