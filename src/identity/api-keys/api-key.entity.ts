import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A key that a program calls with, in the name of its owner. The key itself is not kept. */
@Entity('api_keys')
export class ApiKey {
  @Column('uuid')
  tenant_id!: string;

  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid')
  owner_id!: string;

  /** The key that it was made with, when a program made it. */
  @Column({ type: 'uuid', nullable: true })
  parent_id!: string | null;

  /** The key that its family began with; null in rows of a process of the version before. */
  @Column({ type: 'uuid', nullable: true })
  root_id!: string | null;

  @Column('text')
  name!: string;

  /** The first characters, to recognise it by. */
  @Column('text')
  prefix!: string;

  @Column({ type: 'bytea', select: false })
  key_hash?: Buffer;

  @Column({ type: 'text', array: true })
  scopes!: string[];

  /** Addresses and CIDR ranges that it is taken from; none means all. */
  @Column({ type: 'text', array: true })
  allowed_addresses!: string[];

  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  expires_at!: Date | null;

  /** Until when the value before the last rotation works. */
  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  previous_valid_until!: Date | null;

  /** Of the value before the last rotation. */
  @Column({ type: 'bytea', nullable: true, select: false })
  previous_hash!: Buffer | null;

  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  last_used_at!: Date | null;

  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  revoked_at!: Date | null;

  @Column('integer')
  revision!: number;

  @Column({ type: 'timestamptz', precision: 3 })
  created_at!: Date;

  @Column({ type: 'timestamptz', precision: 3 })
  updated_at!: Date;
}
