import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Who a subject of an issuer is here. Never found by an e-mail address. */
@Entity('sso_identities')
export class SsoIdentity {
  @Column('uuid')
  tenant_id!: string;

  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  issuer!: string;

  @Column('text')
  subject!: string;

  @Column('uuid')
  user_id!: string;

  /** The provider that the person signed in through last. */
  @Column({ type: 'uuid', nullable: true })
  provider_id!: string | null;

  /** Of the last sign-in, sealed: the provider wants to see it again at the sign-out. Not read unless asked for by name. */
  @Column({ type: 'bytea', nullable: true, select: false })
  id_token?: Buffer | null;

  @Column({ type: 'timestamptz', precision: 3, nullable: true })
  last_login_at!: Date | null;

  @Column('integer')
  revision!: number;

  @Column({ type: 'timestamptz', precision: 3 })
  created_at!: Date;
}
