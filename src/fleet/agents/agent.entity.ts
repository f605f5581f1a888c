import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AgentStatus, AutonomyLevel, ControlState } from './agent-status.js';

/** A program that works for the tenant. Its signs of life are kept apart, in agent_presence. */
@Entity('agents')
export class Agent {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') tenant_id!: string;
  @Column('text') slug!: string;
  @Column('text') name!: string;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('text') role!: string;
  @Column('text') status!: AgentStatus;
  @Column({ type: 'timestamptz', precision: 3 }) status_changed_at!: Date;
  @Column('text') control_state!: ControlState;
  @Column('text', { nullable: true }) control_reason!: string | null;
  @Column('boolean') is_active!: boolean;
  @Column('text', { nullable: true }) llm_provider!: string | null;
  @Column('text', { nullable: true }) llm_model!: string | null;
  @Column('text', { nullable: true }) system_prompt!: string | null;
  @Column('text', { array: true }) enabled_tools!: string[];
  @Column('double precision', { nullable: true }) temperature!: number | null;
  @Column('integer', { nullable: true }) max_tokens!: number | null;
  @Column('text', { nullable: true }) worker_id!: string | null;
  @Column('jsonb') metadata!: Record<string, unknown>;
  @Column('text') autonomy_level!: AutonomyLevel;
  @Column('integer') max_concurrent_tasks!: number;
  /** A decimal as PostgreSQL writes it: never a float on our side. */
  @Column({ type: 'numeric', precision: 18, scale: 6, nullable: true }) daily_budget_usd!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) deleted_at!: Date | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
