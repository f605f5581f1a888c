import { Column, Entity, PrimaryColumn } from 'typeorm';

export const APPROVAL_STATUSES = ['pending', 'approved', 'rejected', 'expired', 'withdrawn'] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];
export const APPROVAL_RISKS = ['low', 'medium', 'high', 'critical'] as const;
export type ApprovalRisk = (typeof APPROVAL_RISKS)[number];

/** What is to be approved: exactly this, and nothing that differs in a byte of its canonical form. */
export interface ApprovalAction {
  kind: string;
  arguments: Record<string, unknown>;
}

/** Who may decide: these people and everyone of these roles. Nobody named is everyone who may decide at all. */
export interface Approvers {
  users?: string[];
  roles?: ApproverRole[];
}
export const APPROVER_ROLES = ['admin', 'user'] as const;
export type ApproverRole = (typeof APPROVER_ROLES)[number];

/** What happens to an approval that nobody has decided when it runs out. Only a rule may let it be approved. */
export const ON_EXPIRE = ['reject', 'approve', 'escalate'] as const;
export type OnExpire = (typeof ON_EXPIRE)[number];

/** To whom it goes when nobody has decided after a while, and how long those have; left out, as long as the others had. */
export interface Escalation {
  after_seconds?: number;
  to: Approvers;
  expires_seconds?: number;
}

export const SOURCE_KINDS = ['workflow_step', 'task', 'secret', 'tool'] as const;
/** What asked, when it was no request of somebody's. */
export interface ApprovalSource {
  kind: (typeof SOURCE_KINDS)[number];
  id: string;
}

/** What rules look at beyond the request itself. */
export interface ApprovalFacts {
  tool?: string;
  board_id?: string;
  autonomy_level?: string;
}

/** A rule that had its say, and in which version. */
export interface TraceEntry {
  rule_id: string;
  version: number;
  name: string;
  /** What it made of the request. */
  outcome: 'required' | 'allowed' | 'auto_approved' | 'approved_on_expiry' | 'escalated';
}

/** Somebody's word. */
export interface ApprovalDecision {
  /** Who decided, whatever credential they used. */
  decider: string;
  by_kind: string;
  by_id: string;
  verdict: 'approved' | 'rejected';
  note: string | null;
  via: 'api' | 'link';
  at: string;
  /** Base64: over all of this and the approval it is about. */
  seal: string;
}

/** A request to let one action happen, and what was decided. */
@Entity('approvals')
export class Approval {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') title!: string;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('jsonb') action!: ApprovalAction;
  @Column('text') action_hash!: string;
  @Column('text') status!: ApprovalStatus;
  @Column('uuid', { nullable: true }) agent_id!: string | null;
  @Column('uuid', { nullable: true }) task_id!: string | null;
  @Column('double precision', { nullable: true }) confidence!: number | null;
  @Column('text', { nullable: true }) risk!: ApprovalRisk | null;
  /** A decimal as PostgreSQL writes it. */
  @Column({ type: 'numeric', precision: 18, scale: 6, nullable: true }) cost_usd!: string | null;
  @Column('jsonb') facts!: ApprovalFacts;
  @Column('text') requested_by_kind!: string;
  @Column('text') requested_by_id!: string;
  /** Who asked, whatever credential they used: a person's key asks as the person. */
  @Column('text') requester!: string;
  @Column('uuid', { array: true }) approver_users!: string[];
  @Column('text', { array: true }) approver_roles!: ApproverRole[];
  @Column('integer') min_approvals!: number;
  @Column('text') on_expire!: OnExpire;
  @Column('jsonb', { nullable: true }) escalation!: Escalation | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) escalates_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) escalated_at!: Date | null;
  @Column('text', { nullable: true }) source_kind!: ApprovalSource['kind'] | null;
  @Column('text', { nullable: true }) source_id!: string | null;
  @Column('jsonb') trace!: TraceEntry[];
  @Column('jsonb') decisions!: ApprovalDecision[];
  @Column('text', { nullable: true }) decided_by_kind!: string | null;
  @Column('text', { nullable: true }) decided_by_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) decided_at!: Date | null;
  @Column('text', { nullable: true }) reviewer_note!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) expires_at!: Date | null;
  @Column('integer') grant_seconds!: number;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) grant_expires_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) redeemed_at!: Date | null;
  @Column('bytea', { nullable: true }) request_seal!: Buffer | null;
  @Column('bytea', { nullable: true }) grant_seal!: Buffer | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}

/** A row as it is written: status, revision and times are the database's. */
export type NewApproval = Omit<
  Approval,
  | 'status' | 'escalated_at' | 'decisions' | 'decided_by_kind' | 'decided_by_id' | 'decided_at' | 'reviewer_note' | 'grant_expires_at' | 'redeemed_at' | 'grant_seal' | 'revision' | 'created_at' | 'updated_at'
>;

/** Who may act on a grant: the agent that it is for, or who asked. */
export const holderOf = ({ agent_id, requester }: Pick<Approval, 'agent_id' | 'requester'>): string => (agent_id ? `agent:${agent_id}` : requester);
