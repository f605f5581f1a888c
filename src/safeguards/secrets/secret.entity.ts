import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What stands for a value in answers. */
export const MASKED_VALUE = '********';

export const CHARSETS = ['alphanumeric', 'letters', 'digits', 'hex', 'base64url', 'symbols'] as const;
export type Charset = (typeof CHARSETS)[number];

/** How a value is made. */
export interface Generator {
  length: number;
  charset: Charset;
}

/** A secret without its values, which lie sealed in its versions. */
@Entity('secrets')
export class Secret {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  @Column('text', { nullable: true }) category!: string | null;
  @Column('text', { nullable: true }) description!: string | null;
  /** The current one, which is also the last one. */
  @Column('integer') version!: number;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) expires_at!: Date | null;
  @Column('integer', { nullable: true }) rotate_every_days!: number | null;
  /** How long the version before works on after a rotation. */
  @Column('integer') grace_seconds!: number;
  @Column('jsonb', { nullable: true }) generator!: Generator | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) next_rotation_at!: Date | null;
  /** How often the rotation by the clock has failed since it last worked, and the code of why. */
  @Column('integer') rotation_failures!: number;
  @Column('text', { nullable: true }) rotation_error!: string | null;
  @Column({ type: 'timestamptz', precision: 3 }) rotated_at!: Date;
  /** Where calls that leave this installation may take it: `https://api.example.com`, `https://*.example.com`, `http://10.0.0.5:8080`. */
  @Column('text', { array: true }) outbound_origins!: string[];
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
