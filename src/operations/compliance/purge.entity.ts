import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { CertifiedTree, SignedCertificate } from '../../core/audit/certificate.js';

export const PURGE_ENTITIES = ['agent', 'tenant'] as const;
export type PurgeEntity = (typeof PURGE_ENTITIES)[number];
export type PurgeStatus = 'running' | 'done';

/** What was asked to be purged, by a tenant's administrator or the operator, and how far it is. */
@Entity('compliance_purges')
export class Purge {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') entity_type!: PurgeEntity;
  @Column('uuid') entity_id!: string;
  @Column('text', { nullable: true }) reason!: string | null;
  @Column('text') requested_by_kind!: string;
  @Column('text') requested_by_id!: string;
  @Column('text') status!: PurgeStatus;
  /** The transaction that asked for it: whoever began before it may not know of it. */
  @Column('bigint') tx!: string;
  /** Rows by table. */
  @Column('jsonb') erased!: Record<string, number>;
  /** The audit log when the purge was asked for. */
  @Column('jsonb', { nullable: true }) tree_before!: CertifiedTree | null;
  @Column('jsonb', { nullable: true }) certificate!: SignedCertificate | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) requested_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) completed_at!: Date | null;
}
