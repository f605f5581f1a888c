import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Limits } from '../../core/plan-limits.js';

export const TENANT_STATUSES = ['active', 'suspended'] as const;
export type TenantStatus = (typeof TENANT_STATUSES)[number];

/** An organisation: everything else belongs to one. */
@Entity('tenants')
export class Tenant {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  slug!: string;

  @Column('text')
  name!: string;

  @Column('text')
  plan!: string;

  /** Its own, before those of its plan. */
  @Column('jsonb')
  limits!: Limits;

  @Column('text')
  status!: TenantStatus;

  @Column({ type: 'text', nullable: true })
  suspended_reason!: string | null;

  @Column('integer')
  revision!: number;

  /** Since when nothing of it is left but the row and the sealed log. */
  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  purged_at!: Date | null;

  @Column({ type: 'timestamptz', precision: 3 })
  created_at!: Date;

  @Column({ type: 'timestamptz', precision: 3 })
  updated_at!: Date;
}
