import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from '../../core/actor.js';

export const SIGNING_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** Who is in a group of the provider has a role here. */
export interface RoleMapping {
  group: string;
  role: Role;
}

/** An OpenID provider that people of a tenant sign in with. */
@Entity('sso_providers')
export class SsoProvider {
  @Column('uuid')
  tenant_id!: string;

  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  issuer!: string;

  @Column('text')
  client_id!: string;

  /** Sealed with the tenant's key; null for a public client. */
  @Column({ type: 'bytea', nullable: true })
  client_secret!: Buffer | null;

  @Column({ type: 'text', array: true })
  scopes!: string[];

  /** The one algorithm that its ID tokens may be signed with. */
  @Column('text')
  signing_algorithm!: SigningAlgorithm;

  @Column('boolean')
  is_active!: boolean;

  /** Whether who is not known yet gets an account at the first sign-in. */
  @Column('boolean')
  create_users!: boolean;

  /** Domains of e-mail addresses that may sign in; empty for all. */
  @Column({ type: 'text', array: true })
  allowed_domains!: string[];

  @Column({ type: 'text', nullable: true })
  group_claim!: string | null;

  @Column('jsonb')
  role_mappings!: RoleMapping[];

  /** The role of those in no mapped group; null refuses them. */
  @Column({ type: 'text', nullable: true })
  default_role!: Role | null;

  @Column('integer')
  revision!: number;

  @Column({ type: 'timestamptz', precision: 3 })
  created_at!: Date;

  @Column({ type: 'timestamptz', precision: 3 })
  updated_at!: Date;
}
