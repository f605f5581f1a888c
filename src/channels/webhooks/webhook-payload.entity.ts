import { Column, Entity, PrimaryColumn } from 'typeorm';

export const PAYLOAD_STATUSES = ['received', 'done', 'failed'] as const;
export type PayloadStatus = (typeof PAYLOAD_STATUSES)[number];

/** What an endpoint was sent. */
@Entity('webhook_payloads')
export class WebhookPayload {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') webhook_id!: string;
  @Column('bytea', { nullable: true }) delivery_hash!: Buffer | null;
  @Column('bytea') body_hash!: Buffer;
  /** Headers and body, sealed. */
  @Column('bytea') content!: Buffer;
  @Column('text', { nullable: true }) content_type!: string | null;
  @Column('integer') size!: number;
  @Column('text') form!: string;
  @Column('inet', { nullable: true }) ip!: string | null;
  @Column('text') status!: PayloadStatus;
  @Column('uuid', { nullable: true }) task_id!: string | null;
  @Column('text', { nullable: true }) error!: string | null;
  @Column('integer') replays!: number;
  @Column({ type: 'timestamptz', precision: 3 }) received_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) handled_at!: Date | null;
}
