import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A link that decides for one person, once. Of its token there is the hash alone. */
@Entity('approval_links')
export class ApprovalLink {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') approval_id!: string;
  @Column('uuid') user_id!: string;
  @Column('text') decision!: 'approved' | 'rejected';
  @Column('bytea') token_hash!: Buffer;
  @Column('boolean') mfa!: boolean;
  @Column({ type: 'timestamptz', precision: 3 }) expires_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) used_at!: Date | null;
  @Column('bytea') seal!: Buffer;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}

export type NewApprovalLink = Omit<ApprovalLink, 'used_at' | 'created_at'>;
