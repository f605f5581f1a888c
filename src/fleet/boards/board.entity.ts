import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Where agents work together on tasks, under rules. */
@Entity('boards')
export class Board {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') tenant_id!: string;
  @Column('text') slug!: string;
  @Column('text') name!: string;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('boolean') require_approval_for_done!: boolean;
  @Column('boolean') require_review_before_done!: boolean;
  @Column('boolean') comment_required_for_review!: boolean;
  @Column('boolean') block_status_changes_with_pending_approval!: boolean;
  @Column('boolean') only_lead_can_change_status!: boolean;
  @Column('integer', { nullable: true }) max_agents!: number | null;
  @Column('uuid', { nullable: true }) lead_agent_id!: string | null;
  @Column({ type: 'timestamptz', precision: 3, nullable: true }) deleted_at!: Date | null;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}
