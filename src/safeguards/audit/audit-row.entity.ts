import { Column, Entity, PrimaryColumn } from 'typeorm';

export const AUDIT_OUTCOMES = ['done', 'denied', 'failed'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** One row of the audit log. Rows are only ever added. */
@Entity('audit_log')
export class AuditRow {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') actor_kind!: string;
  @Column('text') actor_id!: string;
  @Column('text') actor_label!: string;
  @Column('text') action!: string;
  @Column('text') outcome!: AuditOutcome;
  @Column('text', { nullable: true }) resource_type!: string | null;
  @Column('text', { nullable: true }) resource_id!: string | null;
  @Column('inet', { nullable: true }) ip!: string | null;
  @Column('text', { nullable: true }) user_agent!: string | null;
  @Column('text', { nullable: true }) request_id!: string | null;
  @Column('jsonb', { nullable: true }) before!: object | null;
  @Column('jsonb', { nullable: true }) after!: object | null;
  @Column('jsonb', { nullable: true }) detail!: object | null;
  @Column({ type: 'timestamptz', precision: 3 }) occurred_at!: Date;
}

/** A row as it is written: the time is the database's. */
export type NewAuditRow = Omit<AuditRow, 'occurred_at'>;
