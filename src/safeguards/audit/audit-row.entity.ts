import { Column, Entity, PrimaryColumn } from 'typeorm';

export const AUDIT_OUTCOMES = ['done', 'denied', 'failed'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** Whose key the content of a row is sealed under: when it is destroyed, the content can be read by nobody. */
export type SubjectType = 'agent' | 'tenant';

/** One row of the audit log as it is stored: what happened, and the content as bytes. Rows are only ever added. */
@Entity('audit_log')
export class AuditRow {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') actor_kind!: string;
  @Column('text') actor_id!: string;
  /** For the search by name; rows whose content is sealed have its hash alone. */
  @Column('text', { nullable: true }) actor_label!: string | null;
  @Column('text') action!: string;
  @Column('text') outcome!: AuditOutcome;
  @Column('text', { nullable: true }) resource_type!: string | null;
  @Column('text', { nullable: true }) resource_id!: string | null;
  @Column('text', { nullable: true }) request_id!: string | null;
  @Column('text', { nullable: true }) subject_type!: SubjectType | null;
  @Column('text', { nullable: true }) subject_id!: string | null;
  /** 0: the text itself, its salt beside it. 1: sealed, the salt with it. */
  @Column('smallint') content_form!: number;
  @Column('bytea', { nullable: true }) content!: Buffer | null;
  @Column('bytea', { nullable: true }) salt!: Buffer | null;
  @Column('bytea', { nullable: true }) content_hash!: Buffer | null;
  @Column('bytea', { nullable: true, select: false }) actor_label_hash!: Buffer | null;
  @Column({ type: 'timestamptz', precision: 3 }) occurred_at!: Date;
}

/** A row as it is written: the time is the database's. */
export type NewAuditRow = Omit<AuditRow, 'occurred_at'>;

/** The part of a row that can be erased: what was written by people, or says who they are. */
export interface AuditContent {
  actor_label: string;
  ip: string | null;
  user_agent: string | null;
  before: object | null;
  after: object | null;
  detail: object | null;
}

/** A row as it is read. Its content is undefined when it was erased. */
export interface OpenedAuditRow {
  row: AuditRow;
  content: AuditContent | undefined;
}
