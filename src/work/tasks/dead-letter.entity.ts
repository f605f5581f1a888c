import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Usage } from '../../safeguards/usage/usage.port.js';

/** One ended attempt, as a dead letter keeps it. Times are ISO 8601. */
export interface KeptAttempt {
  fence: number;
  attempt: number;
  agent_id: string | null;
  outcome: string;
  error: string | null;
  started_at: string;
  ended_at: string;
  /** Left out in those that are older than it. */
  usage?: Usage | null;
}

/** A task that was given up, with its attempts as they were. */
@Entity('dead_letters')
export class DeadLetter {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') tenant_id!: string;
  @Column('uuid') task_id!: string;
  @Column('text') title!: string;
  @Column('text') reason!: string;
  @Column('jsonb') attempts!: KeptAttempt[];
  /** Set by retry-all: it is started again at the pace of DeadLetterPacer. */
  @Column({ type: 'timestamptz', nullable: true, precision: 3 }) retry_requested_at!: Date | null;
  /** When the task was started again; the entry stays as history. */
  @Column({ type: 'timestamptz', nullable: true, precision: 3 }) retried_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}
