import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Severity } from '../../platform/notifications/notifier.port.js';

/** The inbox of those who have no account of the tenant: the bootstrap token, and operators who act for it. */
export const SHARED_INBOX = '00000000-0000-0000-0000-000000000000';

/** One notice in the inbox of one user. */
@Entity('notifications')
export class Notification {
  @Column('uuid') tenant_id!: string;
  /** The user's id, or `SHARED_INBOX`. */
  @Column('uuid') inbox!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { nullable: true }) user_id!: string | null;
  @Column('text') type!: string;
  @Column('text') severity!: Severity;
  @Column('text') title!: string;
  @Column('text', { nullable: true }) body!: string | null;
  @Column('text', { nullable: true }) link!: string | null;
  @Column('jsonb') metadata!: object;
  @Column('text', { nullable: true }) key!: string | null;
  /** The agent it is about. */
  @Column('uuid', { nullable: true }) agent_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) read_at!: Date | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}

/** A notice as it is written. */
export type NewNotification = Pick<Notification, 'id' | 'inbox' | 'type' | 'severity' | 'title' | 'body' | 'link' | 'metadata' | 'key' | 'agent_id'>;
