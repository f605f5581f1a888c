import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Something that the agents and people of a board have put down for each other. It is never changed. */
@Entity('board_memory')
export class BoardMemory {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') tenant_id!: string;
  @Column('uuid') board_id!: string;
  @Column('text') content!: string;
  @Column('text', { array: true }) tags!: string[];
  @Column('text', { nullable: true }) source!: string | null;
  @Column('text') author_kind!: string;
  @Column('text') author_id!: string;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}
