import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Leave to use a secret: for one agent, or for whoever works on a board. */
@Entity('secret_grants')
export class SecretGrant {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') secret_id!: string;
  @Column('uuid', { nullable: true }) agent_id!: string | null;
  @Column('uuid', { nullable: true }) board_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) expires_at!: Date | null;
  @Column('integer', { nullable: true }) max_uses!: number | null;
  @Column('integer') uses!: number;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) last_used_at!: Date | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) revoked_at!: Date | null;
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}
