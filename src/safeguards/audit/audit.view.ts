import type { AuditContent, AuditOutcome, LostContent, OpenedAuditRow } from './audit-row.entity.js';

/**
 * One row of the audit log. Secrets are replaced by `[redacted]` before a row is written. `before`, `after` and `detail` take 32 kB together:
 * what is larger (and any member above 8 kB that is no text) is replaced by `{"cut": {"bytes": 262144, "sha256": "..."}}`, the size of its
 * JSON and the SHA-256 of its canonical JSON (RFC 8785), and the end of a long text by its SHA-256.
 */
export class AuditView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * When, by the database's clock.
   * @example 2026-01-31T09:30:00.000Z
   */
  occurred_at!: string;
  /**
   * user, api_key, agent, bootstrap, system or anonymous.
   * @example user
   */
  actor_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
  actor_id!: string;
  /**
   * Who that is in words: an e-mail address, a key's or an agent's name.
   * @example ada@example.com
   */
  actor_label!: string;
  /**
   * What was done.
   * @example task.cancel
   */
  action!: string;
  /** @example done */
  outcome!: AuditOutcome;
  /** @example task */
  resource_type!: string | null;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
  resource_id!: string | null;
  /**
   * Address that the request came from.
   * @example 203.0.113.7
   */
  ip!: string | null;
  /** @example curl/8.5.0 */
  user_agent!: string | null;
  /**
   * X-Request-Id of the request.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  request_id!: string | null;
  /**
   * The resource before the change.
   * @example { "status": "queued" }
   */
  before!: object | null;
  /**
   * The resource after the change.
   * @example { "status": "cancelled" }
   */
  after!: object | null;
  /**
   * What else is to be said.
   * @example { "reason": "no longer needed" }
   */
  detail!: object | null;
  /**
   * Whether the content of this row (label, address, before, after, detail) was erased. That it happened stays. Content that is
   * missing or damaged without that says so in `actor_label`: GET /audit/verify tells more.
   * @example false
   */
  erased!: boolean;
}

const lost = (how: LostContent): AuditContent => ({ actor_label: `[${how}]`, ip: null, user_agent: null, before: null, after: null, detail: null });

export function toAuditView({ row, content }: OpenedAuditRow): AuditView {
  const { id, actor_kind, actor_id, action, outcome, resource_type, resource_id, request_id, occurred_at } = row;
  return { id, occurred_at: occurred_at.toISOString(), actor_kind, actor_id, action, outcome, resource_type, resource_id, request_id, ...(typeof content === 'string' ? lost(content) : content), erased: content === 'erased' };
}
