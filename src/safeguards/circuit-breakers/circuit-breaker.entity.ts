import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TargetKind } from '../../platform/egress/breakers.port.js';
import type { BreakerScope, BreakerState, FailureMark } from './circuit-breaker.machine.js';

/** A circuit breaker: what it stands in front of, when it opens, and how it stands now. */
@Entity('circuit_breakers')
export class CircuitBreaker {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  @Column('text') scope!: BreakerScope;
  @Column('text') target_kind!: TargetKind;
  @Column('text') target_name!: string;
  @Column('integer', { nullable: true }) failure_threshold!: number | null;
  @Column('double precision', { nullable: true }) failure_rate!: number | null;
  @Column('integer', { nullable: true }) slow_call_ms!: number | null;
  @Column('double precision', { nullable: true }) slow_call_rate!: number | null;
  @Column('integer') minimum_calls!: number;
  @Column('integer') window_seconds!: number;
  @Column('integer') open_seconds!: number;
  @Column('double precision') open_factor!: number;
  @Column('integer') max_open_seconds!: number;
  @Column('integer') half_open_max!: number;
  @Column('integer') success_threshold!: number;
  @Column('text') state!: BreakerState;
  @Column('boolean') forced!: boolean;
  @Column('integer') epoch!: number;
  @Column('integer') openings!: number;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) opened_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) next_probe_at!: Date | null;
  @Column('integer') half_open_successes!: number;
  @Column('jsonb') failures!: FailureMark[];
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
