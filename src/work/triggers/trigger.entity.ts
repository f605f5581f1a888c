import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from '../../core/actor.js';
import type { TriggerAction, TriggerConfig, TriggerType } from './trigger-config.js';

/** What is done, how often at most, when something happens. */
@Entity('triggers')
export class Trigger {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('text') type!: TriggerType;
  @Column('jsonb') config!: TriggerConfig;
  @Column('jsonb') action!: TriggerAction;
  @Column('boolean') enabled!: boolean;
  /** Firings in an hour. */
  @Column('integer') max_per_hour!: number;
  /** After a firing so long nothing fires. */
  @Column('integer') cooldown_seconds!: number;
  /** What happens within so long of the first is one firing. */
  @Column('integer') coalesce_seconds!: number;
  /** Role of who wrote it last: it sees the events that this role sees. */
  @Column('text') as_role!: Role;
  /** Who wrote it last, as `user:<id>`: they approve nothing of the runs that it starts. */
  @Column('text', { nullable: true }) author!: string | null;
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
