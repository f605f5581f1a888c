import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Graph } from '../../core/workflows/graph.js';

/** How a version was written. */
export type WorkflowForm = 'steps' | 'nodes' | 'prompt';

/** One state of a workflow's graph. It never changes. */
@Entity('workflow_versions')
export class WorkflowVersion {
  @Column('uuid') tenant_id!: string;
  @Column('uuid') id!: string;
  @PrimaryColumn('uuid') workflow_id!: string;
  @PrimaryColumn('integer') version!: number;
  @Column('text') form!: WorkflowForm;
  @Column('jsonb') graph!: Graph;
  @Column('integer') step_count!: number;
  @Column('jsonb', { nullable: true }) input_schema!: object | null;
  @Column('jsonb', { nullable: true }) parameters_schema!: object | null;
  @Column('text') created_by_kind!: string;
  @Column('text') created_by_id!: string;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
}
