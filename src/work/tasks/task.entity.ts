import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TaskPriority, TaskStatus } from './task.machine.js';

/** A piece of work. Its lease, while an agent holds it, is part of the row. */
@Entity('tasks')
export class Task {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') tenant_id!: string;
  @Column('text') title!: string;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('text', { nullable: true }) instructions!: string | null;
  @Column('jsonb', { nullable: true }) payload!: unknown;
  @Column('text') status!: TaskStatus;
  @Column('text') priority!: TaskPriority;
  @Column('smallint') priority_rank!: number;
  @Column('uuid', { nullable: true }) agent_id!: string | null;
  @Column('uuid', { nullable: true }) board_id!: string | null;
  @Column('bigint') lane_id!: string;
  @Column('text', { array: true }) required_tools!: string[];
  @Column('uuid', { nullable: true }) parent_task_id!: string | null;
  @Column({ type: 'timestamptz', nullable: true, precision: 3 }) deadline!: Date | null;
  @Column('boolean') deadline_exceeded!: boolean;
  @Column('integer') max_retries!: number;
  @Column('integer') retry_count!: number;
  @Column('integer') attempts!: number;
  /** Grows by one with every claim; a write under an older one is refused. */
  @Column('bigint') fence!: string;
  /** Queued and due: what claims look at. */
  @Column('boolean') ready!: boolean;
  @Column({ type: 'timestamptz', precision: 3 }) available_at!: Date;
  /** Dependencies that are not completed yet. */
  @Column('integer') waiting_for!: number;
  @Column('uuid', { nullable: true }) claimed_by!: string | null;
  @Column({ type: 'timestamptz', nullable: true, precision: 3 }) claimed_at!: Date | null;
  @Column('integer', { nullable: true }) lease_seconds!: number | null;
  @Column({ type: 'timestamptz', nullable: true, precision: 3 }) lease_expires_at!: Date | null;
  @Column('smallint', { nullable: true }) progress_percent!: number | null;
  @Column('text', { nullable: true }) progress_note!: string | null;
  @Column('jsonb', { nullable: true }) result!: unknown;
  @Column('jsonb', { nullable: true }) output_files!: string[] | null;
  @Column('text', { nullable: true }) error!: string | null;
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  @Column('uuid', { nullable: true }) retried_from!: string | null;
  @Column('text', { nullable: true }) cancel_reason!: string | null;
  @Column({ type: 'timestamptz', nullable: true, precision: 3 }) started_at!: Date | null;
  @Column({ type: 'timestamptz', nullable: true, precision: 3 }) completed_at!: Date | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
