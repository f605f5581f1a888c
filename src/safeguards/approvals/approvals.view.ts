import type { Approval, ApprovalRisk, ApprovalSource, ApprovalStatus, ApproverRole, Approvers, Escalation, OnExpire, TraceEntry } from './approval.entity.js';
import { sourceOf } from './approval-facts.js';

/** What is to be approved. */
export class ApprovalActionView {
  /** @example ssh.execute */
  kind!: string;
  /** @example { "command": "systemctl restart web" } */
  arguments!: Record<string, unknown>;
}

/** Who may decide; nobody named is everyone who may decide at all. */
export class ApproversView {
  /** @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03"] */
  users!: string[];
  /** @example ["admin"] */
  roles!: ApproverRole[];
}

/** To whom an approval goes when nobody has decided. */
export class EscalationView {
  /**
   * After so many seconds; null is when it runs out.
   * @example 1800
   */
  after_seconds!: number | null;
  /** Who may decide from then on. */
  to!: ApproversView;
  /**
   * How long they have.
   * @example 3600
   */
  expires_seconds!: number | null;
}

/** Somebody's word. */
export class ApprovalDecisionView {
  /**
   * user, api_key or bootstrap.
   * @example user
   */
  by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
  by_id!: string;
  /** @example approved */
  verdict!: 'approved' | 'rejected';
  /** @example "Fine, but only once." */
  note!: string | null;
  /**
   * Whether it came by the API or by a link.
   * @example api
   */
  via!: 'api' | 'link';
  /** @example 2026-01-31T09:35:00.000Z */
  at!: string;
}

/** What asked, when it was no request of somebody's. */
export class ApprovalSourceView {
  /** @example workflow_step */
  kind!: ApprovalSource['kind'];
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b09 */
  id!: string;
}

/** A rule that had its say. */
export class TraceEntryView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b08 */
  rule_id!: string;
  /** @example 3 */
  version!: number;
  /** @example "Production commands" */
  name!: string;
  /** @example required */
  outcome!: TraceEntry['outcome'];
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
  /** @example 2.5 */
  cost_usd!: number | null;
  /** Who may decide. Never the requester. */
  approvers!: ApproversView;
  /**
   * How many different people must approve.
   * @example 1
   */
  min_approvals!: number;
  /**
   * How many have.
   * @example 0
   */
  approvals_given!: number;
  /** Everybody's word, in the order in which it was given. */
  decisions!: ApprovalDecisionView[];
  /** The rules, by version, that made it what it is. */
  trace!: TraceEntryView[];
  /** What asked, when it was no request of somebody's. */
  source!: ApprovalSourceView | null;
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
  /** @example reject */
  on_expire!: OnExpire;
  /** To whom it goes when nobody has decided. */
  escalation!: EscalationView | null;
  /** @example 2026-01-31T10:00:00.000Z */
  escalated_at!: string | null;
  /**
   * Until when what is approved may be done; null when it is not approved, or may not be done any more.
   * @example 2026-01-31T10:35:00.000Z
   */
  grant_expires_at!: string | null;
  /**
   * When it was done: then no more.
   * @example 2026-01-31T09:36:00.000Z
   */
  redeemed_at!: string | null;
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
  const { id, title, description, action, action_hash, status, agent_id, task_id, confidence, risk, requested_by_kind, requested_by_id, decided_by_kind, decided_by_id } = row;
  const { approver_users, approver_roles, min_approvals, decisions, trace, on_expire, escalation, reviewer_note, revision, created_at, updated_at } = row;
  const iso = (date: Date | null): string | null => date?.toISOString() ?? null;
  return {
    id, title, description, action, action_hash, status, agent_id, task_id, confidence, risk,
    cost_usd: row.cost_usd === null ? null : Number(row.cost_usd),
    approvers: { users: approver_users, roles: approver_roles },
    min_approvals,
    approvals_given: decisions.filter(({ verdict }) => verdict === 'approved').length,
    decisions: decisions.map(({ by_kind, by_id, verdict, note, via, at }) => ({ by_kind, by_id, verdict, note, via, at })),
    trace,
    source: sourceOf(row),
    requested_by_kind, requested_by_id, decided_by_kind, decided_by_id,
    decided_at: iso(row.decided_at),
    reviewer_note,
    expires_at: iso(row.expires_at),
    on_expire,
    escalation: escalation && toEscalationView(escalation),
    escalated_at: iso(row.escalated_at),
    grant_expires_at: row.redeemed_at ? null : iso(row.grant_expires_at),
    redeemed_at: iso(row.redeemed_at),
    revision,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}

export const toApproversView = ({ users = [], roles = [] }: Approvers): ApproversView => ({ users, roles });

export const toEscalationView = ({ after_seconds, to, expires_seconds }: Escalation): EscalationView => ({ after_seconds: after_seconds ?? null, to: toApproversView(to), expires_seconds: expires_seconds ?? null });
