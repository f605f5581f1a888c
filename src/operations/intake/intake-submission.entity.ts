import { Column, Entity, PrimaryColumn } from 'typeorm';

export const INTAKE_STATUSES = ['new', 'converted'] as const;
export type IntakeStatus = (typeof INTAKE_STATUSES)[number];

/** The form of somebody who wants to become a tenant. */
@Entity('intake_submissions')
export class IntakeSubmission {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') full_name!: string;
  @Column('text') email!: string;
  @Column('text', { nullable: true }) priorities!: string | null;
  @Column('text', { nullable: true }) automation_wish!: string | null;
  @Column('text', { array: true }) channels!: string[];
  @Column('inet', { nullable: true }) ip!: string | null;
  @Column('text') status!: IntakeStatus;
  @Column('uuid', { nullable: true }) converted_tenant_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) converted_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}
