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
  /** The transaction that wrote it: the order in which rows are sealed. The database fills it in. */
  @Column('bigint', { select: false }) tx!: string;
  // Written by processes of the version before alone; the database moves what they write into the content.
  @Column('inet', { nullable: true, select: false }) ip!: null;
  @Column('text', { nullable: true, select: false }) user_agent!: null;
  @Column('jsonb', { nullable: true, select: false }) before!: null;
  @Column('jsonb', { nullable: true, select: false }) after!: null;
  @Column('jsonb', { nullable: true, select: false }) detail!: null;
}

/** A row as it is read and written; the time is the database's. */
type StoredAuditRow = Omit<AuditRow, 'tx' | 'ip' | 'user_agent' | 'before' | 'after' | 'detail'>;
export type NewAuditRow = Omit<StoredAuditRow, 'occurred_at'>;

/** The part of a row that can be erased: what was written by people, or says who they are. */
export interface AuditContent {
  actor_label: string;
  ip: string | null;
  user_agent: string | null;
  before: object | null;
  after: object | null;
  detail: object | null;
}

/** Content that is not to be read: `erased` by a purge, `missing` without one, or `damaged`: not what was sealed. */
export type LostContent = 'erased' | 'missing' | 'damaged';

/** A row as it is read. */
export interface OpenedAuditRow {
  row: AuditRow;
  content: AuditContent | LostContent;
}
