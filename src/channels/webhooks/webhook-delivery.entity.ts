import { Column, Entity, PrimaryColumn } from 'typeorm';

export const DELIVERY_STATUSES = ['pending', 'delivered', 'dead'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** One try to send it. */
export interface Attempt {
  number: number;
  at: string;
  duration_ms: number;
  /** Null when there was no answer. */
  status: number | null;
  /** In words, when it was not taken. */
  error: string | null;
  /** The first bytes of the answer, without secrets. */
  answer: string | null;
}

/** What is to be sent, or was, to one receiver. */
@Entity('webhook_deliveries')
export class WebhookDelivery {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('bigint') position!: string;
  @Column('text') lane!: string;
  @Column('uuid', { nullable: true }) webhook_id!: string | null;
  @Column('text') key!: string;
  @Column('text') type!: string;
  @Column('text', { nullable: true }) order_key!: string | null;
  @Column('jsonb') data!: Record<string, unknown>;
  @Column({ type: 'timestamptz', precision: 3 }) occurred_at!: Date;
  @Column('text', { nullable: true }) url!: string | null;
  @Column('bytea', { nullable: true }) secret!: Buffer | null;
  @Column('text') status!: DeliveryStatus;
  @Column('integer') tries!: number;
  @Column('integer') max_tries!: number;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) due_at!: Date | null;
  @Column('integer') attempt_count!: number;
  @Column('jsonb') attempts!: Attempt[];
  @Column('text', { nullable: true }) waiting_for!: string | null;
  @Column('text', { nullable: true }) request_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) ended_at!: Date | null;
}
