import { Column, Entity, PrimaryColumn } from 'typeorm';

export const WORKFLOW_STATUSES = ['draft', 'active', 'disabled'] as const;
export type WorkflowStatus = (typeof WORKFLOW_STATUSES)[number];

export const WORKFLOW_TRIGGERS = ['manual', 'cron'] as const;
export type WorkflowTrigger = (typeof WORKFLOW_TRIGGERS)[number];

/** What becomes of ticks of a schedule that nobody was there for. */
export const MISSED_TICKS = ['skip', 'once', 'all'] as const;

/** When a workflow starts by itself. */
export interface Schedule {
  expression: string;
  timezone: string;
  missed: (typeof MISSED_TICKS)[number];
}

/** A workflow. What its runs do is said by its versions. */
@Entity('workflows')
export class Workflow {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('text') status!: WorkflowStatus;
  @Column('boolean') is_template!: boolean;
  @Column('integer') version!: number;
  @Column('text') trigger_type!: WorkflowTrigger;
  /** A `Schedule` where the trigger is `cron`, else empty. */
  @Column('jsonb') trigger_config!: Partial<Schedule>;
  @Column('jsonb') config!: object;
  @Column('uuid', { array: true }) children!: string[];
  @Column('uuid', { nullable: true }) template_id!: string | null;
  @Column('integer', { nullable: true }) template_version!: number | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) last_run_at!: Date | null;
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  /** Who wrote it last, as `user:<id>`. */
  @Column('text', { nullable: true }) author!: string | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
