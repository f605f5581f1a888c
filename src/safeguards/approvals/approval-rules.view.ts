import type { AutonomyLevel } from '../../fleet/agents/agents.reader.js';
import type { DryRun, DryRunExample } from './approval-dry-runs.service.js';
import type { ApprovalRisk, OnExpire } from './approval.entity.js';
import { type ApprovalRule, definitionOf, type RuleDefinition } from './approval-rule.entity.js';
import type { RuleVersion } from './approval-rules.repository.js';
import { ApproversView, EscalationView, toApproversView, toEscalationView } from './approvals.view.js';

/** Which requests a rule is about. All that is there must fit. */
export class ApprovalRuleMatchView {
  /** @example ["ssh.*"] */
  kinds?: string[];
  /** @example ["shell"] */
  tools?: string[];
  /** @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01"] */
  agent_ids?: string[];
  /** @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b0a"] */
  board_ids?: string[];
  /** @example ["manual"] */
  autonomy_levels?: AutonomyLevel[];
  /** @example high */
  min_risk?: ApprovalRisk;
  /** @example 10 */
  min_cost_usd?: number;
  /** @example 0.7 */
  max_confidence?: number;
}

/** What a rule asks of those who decide. */
export class ApprovalDemandView {
  /** Who may decide; nobody named is whom the request names. */
  approvers!: ApproversView;
  /** @example 2 */
  min_approvals!: number;
  /** @example 3600 */
  expires_seconds!: number | null;
  /** @example reject */
  on_expire!: OnExpire | null;
  /** @example 600 */
  grant_seconds!: number | null;
}

/** Hours in which a rule lets through by itself. */
export class AutoApprovalView {
  /** @example [1, 2, 3, 4, 5] */
  days?: number[];
  /** @example 09:00 */
  from!: string;
  /** @example 17:00 */
  to!: string;
  /** @example Europe/Berlin */
  time_zone!: string;
  /** @example low */
  max_risk?: ApprovalRisk;
  /** @example 5 */
  max_cost_usd?: number;
}

/** What a rule says. */
export class ApprovalRuleDefinitionView {
  /** @example "Production commands" */
  name!: string;
  /** @example "Nobody restarts production alone." */
  description!: string | null;
  /** @example true */
  enabled!: boolean;
  /** @example 100 */
  priority!: number;
  /** @example require */
  effect!: 'require' | 'allow';
  /** Which requests it is about. */
  match!: ApprovalRuleMatchView;
  /** What it asks of those who decide. */
  demand!: ApprovalDemandView;
  /** When it lets through by itself. */
  auto_approve!: AutoApprovalView[];
  /** To whom it goes when nobody has decided. */
  escalation!: EscalationView | null;
}

/** A rule. */
export class ApprovalRuleView extends ApprovalRuleDefinitionView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b08 */
  id!: string;
  /**
   * Grows by one with every change; traces name it.
   * @example 3
   */
  version!: number;
  /** @example 3 */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
}

/** A rule as it was in one of its versions. */
export class ApprovalRuleVersionView extends ApprovalRuleDefinitionView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b08 */
  rule_id!: string;
  /** @example 3 */
  version!: number;
  /** @example user */
  changed_by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
  changed_by_id!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

/** The versions of a rule, newest first: the latest hundred. */
export class ApprovalRuleVersionsView {
  items!: ApprovalRuleVersionView[];
}

/** How often something came out. */
export class DryRunCountsView {
  /** @example 12 */
  required!: number;
  /** @example 3 */
  auto_approved!: number;
  /** @example 0 */
  allowed!: number;
  /**
   * No rule was about it.
   * @example 40
   */
  none!: number;
}

/** A request with which it would have gone otherwise. */
export class DryRunExampleView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  approval_id!: string | null;
  /** @example "Restart the web server" */
  title!: string | null;
  /** @example ssh.execute */
  kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  agent_id!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  requested_at!: string;
  /** @example none */
  now!: DryRunExample['now'];
  /** @example required */
  then!: DryRunExample['then'];
}

/** What a rule would have done. */
export class DryRunView {
  /**
   * Requests that were looked at, the latest 5,000 at most.
   * @example 55
   */
  considered!: number;
  /**
   * Of these, how many the rule itself would have decided.
   * @example 15
   */
  decided_by_rule!: number;
  /**
   * With how many it would have gone otherwise than by the rules of now.
   * @example 12
   */
  changed!: number;
  /** By the rules of now. */
  now!: DryRunCountsView;
  /** With the rule. */
  then!: DryRunCountsView;
  /** Some of those with which it would have gone otherwise, the latest first. */
  examples!: DryRunExampleView[];
}

function toDefinitionView({ demand, escalation, ...rule }: RuleDefinition): ApprovalRuleDefinitionView {
  const { approvers, min_approvals = 1, expires_seconds, on_expire, grant_seconds } = demand;
  return {
    ...rule,
    demand: { approvers: toApproversView(approvers ?? {}), min_approvals, expires_seconds: expires_seconds ?? null, on_expire: on_expire ?? null, grant_seconds: grant_seconds ?? null },
    escalation: escalation && toEscalationView(escalation),
  };
}

export function toRuleView(row: ApprovalRule): ApprovalRuleView {
  const { id, version, revision, created_at, updated_at } = row;
  return { id, ...toDefinitionView(definitionOf(row)), version, revision, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() };
}

export const toVersionsView = (versions: readonly RuleVersion[]): ApprovalRuleVersionsView => ({
  items: versions.map(({ definition, created_at, ...rest }) => ({ ...toDefinitionView(definition), ...rest, created_at: created_at.toISOString() })),
});

export const toDryRunView = ({ examples, ...run }: DryRun): DryRunView => ({ ...run, examples: examples.map((example) => ({ ...example, requested_at: example.requested_at.toISOString() })) });
