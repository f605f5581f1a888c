import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { RunStatus, StepError } from '../../../core/workflows/rows.js';

/** A run of a workflow, by the version that was the newest when it started. */
@Entity('workflow_runs')
export class WorkflowRun {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') workflow_id!: string;
  @Column('integer') version!: number;
  @Column('text') status!: RunStatus;
  @Column('jsonb', { nullable: true }) input!: unknown;
  @Column('jsonb', { nullable: true }) output!: unknown;
  @Column('jsonb', { nullable: true }) error!: StepError | null;
  @Column('text', { nullable: true }) ends_as!: 'failed' | 'cancelled' | null;
  @Column('integer') open!: number;
  @Column('integer') seq!: number;
  @Column('integer') steps!: number;
  @Column('integer') content_size!: number;
  @Column('uuid') root_run_id!: string;
  @Column('text') started_by_kind!: string;
  @Column('text') started_by_id!: string;
  @Column('text', { nullable: true }) start_key!: string | null;
  @Column('text', { nullable: true }) requester!: string | null;
  @Column('uuid', { nullable: true }) parent_run_id!: string | null;
  @Column('text', { nullable: true }) parent_path!: string | null;
  @Column('integer', { nullable: true }) parent_attempt!: number | null;
  @Column('integer') depth!: number;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) timeout_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) broken_until!: Date | null;
  @Column('integer') breakages!: number;
  @Column('text', { nullable: true }) breakage!: string | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) started_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) ended_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) archived_at!: Date | null;
}
