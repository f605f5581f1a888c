import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from '../../core/actor.js';

/** A person with an account. */
@Entity('users')
export class User {
  @Column('uuid')
  tenant_id!: string;

  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  email!: string;

  @Column('text')
  full_name!: string;

  @Column('text')
  role!: Role;

  /** Not read unless asked for by name; null for people who cannot sign in with a password. */
  @Column({ type: 'text', nullable: true, select: false })
  password_hash?: string | null;

  @Column('boolean')
  is_active!: boolean;

  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  last_login_at!: Date | null;

  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  password_changed_at!: Date | null;

  @Column('integer')
  revision!: number;

  @Column({ type: 'timestamptz', precision: 3 })
  created_at!: Date;

  @Column({ type: 'timestamptz', precision: 3 })
  updated_at!: Date;
}
