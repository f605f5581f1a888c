import type { Approval, ApprovalRisk, ApprovalStatus } from './approval.entity.js';

/** What is to be approved. */
export class ApprovalActionView {
  /** @example ssh.execute */
  kind!: string;
  /** @example { "command": "systemctl restart web" } */
  arguments!: Record<string, unknown>;
}

/** A request to let one action happen, and what was decided. */
export class ApprovalView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "Restart the web server" */
  title!: string;
  /** @example "It has been answering 502 for five minutes." */
  description!: string | null;
  /** The action itself. */
  action!: ApprovalActionView;
  /**
   * SHA-256 of the action's canonical JSON (RFC 8785): what is approved is exactly this.
   * @example 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
   */
  action_hash!: string;
  /** @example pending */
  status!: ApprovalStatus;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  agent_id!: string | null;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
  task_id!: string | null;
  /** @example 0.8 */
  confidence!: number | null;
  /** @example medium */
  risk!: ApprovalRisk | null;
  /**
   * user, api_key, agent or bootstrap.
   * @example agent
   */
  requested_by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  requested_by_id!: string;
  /** @example user */
  decided_by_kind!: string | null;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
  decided_by_id!: string | null;
  /** @example 2026-01-31T09:35:00.000Z */
  decided_at!: string | null;
  /** @example "Fine, but only once." */
  reviewer_note!: string | null;
  /** @example 2026-01-31T10:30:00.000Z */
  expires_at!: string | null;
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

export function toApprovalView(row: Approval): ApprovalView {
  const { tenant_id: _tenant, requester: _requester, decided_at, expires_at, created_at, updated_at, ...rest } = row;
  return {
    ...rest,
    decided_at: decided_at?.toISOString() ?? null,
    expires_at: expires_at?.toISOString() ?? null,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}
