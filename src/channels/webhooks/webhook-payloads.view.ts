import { isUtf8 } from 'node:buffer';
import type { PayloadContent } from './payload-content.js';
import type { PayloadStatus, WebhookPayload } from './webhook-payload.entity.js';

/** That something was taken. The same delivery again has the same answer. */
export class WebhookReceiptView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  received_at!: string;
}

/** What an endpoint was sent, without what it says. */
export class WebhookPayloadView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  webhook_id!: string;
  /** @example application/json */
  content_type!: string | null;
  /**
   * Bytes of the body.
   * @example 812
   */
  size!: number;
  /**
   * How its sender showed that it knows the secret.
   * @example github
   */
  form!: string;
  /** @example 203.0.113.7 */
  ip!: string | null;
  /**
   * `done`: the task was made, or there is no agent to make one for.
   * @example done
   */
  status!: PayloadStatus;
  /** The task that was made of it last. */
  task_id!: string | null;
  /** @example null */
  error!: string | null;
  /**
   * How often somebody had it handled again.
   * @example 0
   */
  replays!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  received_at!: string;
  /** @example 2026-01-31T09:30:00.020Z */
  handled_at!: string | null;
}

/** What an endpoint was sent. */
export class WebhookPayloadDetailView extends WebhookPayloadView {
  /**
   * Without credentials and signatures.
   * @example { "content-type": "application/json", "x-github-event": "issues" }
   */
  headers!: Record<string, string>;
  /**
   * As text; null when it is none.
   * @example "{\"action\":\"opened\"}"
   */
  body!: string | null;
  /**
   * In base64, when it is no text.
   * @example null
   */
  body_base64!: string | null;
}

export function toPayloadView(row: WebhookPayload): WebhookPayloadView {
  return {
    id: row.id,
    webhook_id: row.webhook_id,
    content_type: row.content_type,
    size: row.size,
    form: row.form,
    ip: row.ip,
    status: row.status,
    task_id: row.task_id,
    error: row.error,
    replays: row.replays,
    received_at: row.received_at.toISOString(),
    handled_at: row.handled_at?.toISOString() ?? null,
  };
}

export function toPayloadDetailView({ payload, content: { headers, body } }: { payload: WebhookPayload; content: PayloadContent }): WebhookPayloadDetailView {
  const isText = isUtf8(body);
  return { ...toPayloadView(payload), headers, body: isText ? body.toString('utf8') : null, body_base64: isText ? null : body.toString('base64') };
}
