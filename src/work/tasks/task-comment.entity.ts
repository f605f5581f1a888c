import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What someone said about a task. */
@Entity('task_comments')
export class TaskComment {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') tenant_id!: string;
  @Column('uuid') task_id!: string;
  @Column('text') body!: string;
  @Column('text') author_kind!: string;
  @Column('text') author_id!: string;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}
