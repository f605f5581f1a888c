import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { SignatureForm } from './signature-forms.js';

export const DIRECTIONS = ['outbound', 'inbound'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Why the plane has disabled it: the receiver said 410, or has not taken anything for days. */
export type DisabledReason = 'gone' | 'failing';

/** A subscription to events that are sent to a URL, or an endpoint that others send to. */
@Entity('webhooks')
export class Webhook {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') direction!: Direction;
  @Column('text') name!: string;
  @Column('text', { nullable: true }) url!: string | null;
  @Column('text', { array: true }) events!: string[];
  /** Member of an event's data: events of which it has the same value are sent in their order. */
  @Column('text', { nullable: true }) order_by!: string | null;
  @Column('integer') max_concurrent!: number;
  @Column('integer') timeout_seconds!: number;
  /** Role of who last said where it sends what: it gets the events that one may see. */
  @Column('text') sees_as!: 'admin' | 'user';
  @Column('bytea') secret!: Buffer;
  @Column('integer') secret_version!: number;
  @Column('bytea', { nullable: true }) previous_secret!: Buffer | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) previous_secret_until!: Date | null;
  /** Of an endpoint: what its address ends with. */
  @Column('text', { nullable: true }) slug!: string | null;
  /** Of an endpoint: who gets the tasks. */
  @Column('uuid', { nullable: true }) agent_id!: string | null;
  @Column('text') signature_form!: SignatureForm;
  @Column('integer') replay_seconds!: number;
  @Column('boolean') is_enabled!: boolean;
  @Column('text', { nullable: true }) disabled_reason!: DisabledReason | null;
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
