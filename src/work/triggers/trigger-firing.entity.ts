import { Column, Entity, PrimaryColumn } from 'typeorm';

export const FIRING_STATUSES = ['pending', 'fired', 'skipped', 'failed'] as const;
export type FiringStatus = (typeof FIRING_STATUSES)[number];

/** What made a trigger fire, as its expressions see it. */
export interface FiringEvent {
  id: string | null;
  name: string;
  occurred_at: string;
  data: Record<string, unknown>;
}

/** One firing of a trigger, or what was passed over for one reason. */
@Entity('trigger_firings')
export class TriggerFiring {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') trigger_id!: string;
  @Column('text') status!: FiringStatus;
  @Column('text', { nullable: true }) reason!: string | null;
  @Column('uuid', { nullable: true }) event_id!: string | null;
  @Column('jsonb') event!: FiringEvent;
  /** How many events it stands for. */
  @Column('integer') count!: number;
  /** The triggers that led to it, this one last. */
  @Column('uuid', { array: true }) chain!: string[];
  @Column({ type: 'timestamptz', precision: 3 }) due_at!: Date;
  @Column('integer') attempts!: number;
  @Column('jsonb', { nullable: true }) result!: Record<string, unknown> | null;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) ended_at!: Date | null;
}

export type NewFiring = Pick<TriggerFiring, 'id' | 'trigger_id' | 'event' | 'chain' | 'due_at'>;
