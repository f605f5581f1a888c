import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Escalation } from './approval.entity.js';
import type { AutoApproval, Rule, RuleDemand, RuleMatch } from './approval-rule.matcher.js';

/** Which actions of which agents need approval, and what of them is let through. */
@Entity('approval_rules')
export class ApprovalRule {
  @Column('uuid') tenant_id!: string;
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  @Column('text', { nullable: true }) description!: string | null;
  @Column('boolean') enabled!: boolean;
  @Column('integer') priority!: number;
  @Column('text') effect!: 'require' | 'allow';
  @Column('jsonb') match!: RuleMatch;
  @Column('jsonb') demand!: RuleDemand;
  @Column('jsonb') auto_approve!: AutoApproval[];
  @Column('jsonb', { nullable: true }) escalation!: Escalation | null;
  @Column('integer') version!: number;
  @Column('integer') revision!: number;
  @Column({ type: 'timestamptz', precision: 3 }) created_at!: Date;
  @Column({ type: 'timestamptz', precision: 3 }) updated_at!: Date;
}

/** What is written of a rule, and kept of each version. */
export type RuleDefinition = Pick<ApprovalRule, 'name' | 'description' | 'enabled' | 'priority' | 'effect' | 'match' | 'demand' | 'auto_approve' | 'escalation'>;

export const definitionOf = ({ name, description, enabled, priority, effect, match, demand, auto_approve, escalation }: ApprovalRule): RuleDefinition => ({
  name, description, enabled, priority, effect, match, demand, auto_approve, escalation,
});

export const ruleOf = ({ id, version, name, enabled, priority, effect, match, demand, auto_approve, escalation }: ApprovalRule): Rule => ({ id, version, name, enabled, priority, effect, match, demand, auto_approve, escalation });
