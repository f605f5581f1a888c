import { Column, Entity, PrimaryColumn } from 'typeorm';

export type VersionOrigin = 'given' | 'generated' | 'rolled_back';

/** One value that a secret has or had, sealed. */
@Entity('secret_versions')
export class SecretVersion {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') secret_id!: string;
  @Column('integer') version!: number;
  /** Null once it was destroyed. */
  @Column('bytea', { nullable: true, select: false }) sealed!: Buffer | null;
  @Column('text') origin!: VersionOrigin;
  /** The version whose value it has again, when it was rolled back to. */
  @Column('integer', { nullable: true }) copy_of!: number | null;
  /** The end of its grace time; null for the current one. */
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) works_until!: Date | null;
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) destroyed_at!: Date | null;
}
