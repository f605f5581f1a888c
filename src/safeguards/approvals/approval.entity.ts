import { Column, Entity, PrimaryColumn } from 'typeorm';

export const APPROVAL_STATUSES = ['pending', 'approved', 'rejected', 'expired'] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];
export const APPROVAL_RISKS = ['low', 'medium', 'high', 'critical'] as const;
export type ApprovalRisk = (typeof APPROVAL_RISKS)[number];

/** What is to be approved: exactly this, and nothing that differs in a byte of its canonical form. */
export interface ApprovalAction {
  kind: string;
  arguments: Record<string, unknown>;
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
  @Column('text') requested_by_kind!: string;
  @Column('text') requested_by_id!: string;
  /** Who asked, whatever credential they used: a person's key asks as the person. */
  @Column('text') requester!: string;
  @Column('text', { nullable: true }) decided_by_kind!: string | null;
  @Column('text', { nullable: true }) decided_by_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) decided_at!: Date | null;
  @Column('text', { nullable: true }) reviewer_note!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) expires_at!: Date | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}

/** A row as it is written: status, revision and times are the database's. */
export type NewApproval = Pick<
  Approval,
  'tenant_id' | 'id' | 'title' | 'description' | 'action' | 'action_hash' | 'agent_id' | 'task_id' | 'confidence' | 'risk' | 'requested_by_kind' | 'requested_by_id' | 'requester' | 'expires_at'
>;
