import type { AutonomyLevel } from '../../fleet/agents/agents.reader.js';
import { APPROVAL_RISKS, type ApprovalRisk, type ApproverRole, type Approvers, type Escalation, type OnExpire, type TraceEntry } from './approval.entity.js';
import { isOpen, type TimeWindow } from './time-window.js';

/** Which requests a rule is about. All that is given must fit; a rule that gives nothing is about every request. */
export interface RuleMatch {
  /** Kinds of actions; `ssh.*` is every kind that begins so. */
  kinds?: string[];
  /** Tools; a `*` at the end as with kinds. */
  tools?: string[];
  agent_ids?: string[];
  board_ids?: string[];
  autonomy_levels?: AutonomyLevel[];
  /** Risks of at least this. */
  min_risk?: ApprovalRisk;
  /** Costs of at least this. */
  min_cost_usd?: number;
  /** Confidences of at most this. */
  max_confidence?: number;
}

/** When, and what, a rule that asks for approval lets through by itself. */
export interface AutoApproval extends TimeWindow {
  max_risk?: ApprovalRisk;
  max_cost_usd?: number;
}

/** What a rule asks of those who decide. */
export interface RuleDemand {
  approvers?: { users?: string[]; roles?: ApproverRole[] };
  min_approvals?: number;
  expires_seconds?: number;
  on_expire?: OnExpire;
  grant_seconds?: number;
}

/** A rule, as it decides. */
export interface Rule {
  id: string;
  version: number;
  name: string;
  enabled: boolean;
  priority: number;
  effect: 'require' | 'allow';
  match: RuleMatch;
  demand: RuleDemand;
  auto_approve: readonly AutoApproval[];
  escalation: Escalation | null;
}

/** What rules see of a request. */
export interface RuleSubject {
  kind: string;
  tool?: string;
  agent_id?: string;
  board_id?: string;
  autonomy_level?: string;
  risk?: ApprovalRisk;
  cost_usd?: number;
  confidence?: number;
}

export interface Ruling {
  outcome: 'required' | 'allowed' | 'auto_approved';
  rule: Rule;
}

/** The order in which rules are looked at: by priority, of the same the older first. */
export const inOrder = (a: Pick<Rule, 'priority' | 'id'>, b: Pick<Rule, 'priority' | 'id'>): number => a.priority - b.priority || (a.id < b.id ? -1 : 1);

/** The first rule that fits decides; undefined when none does. @param rules in their order */
export function ruleOn(rules: readonly Rule[], subject: RuleSubject, at: Date): Ruling | undefined {
  const rule = rules.find((candidate) => candidate.enabled && fits(candidate, subject));
  if (!rule) return undefined;
  if (rule.effect === 'allow') return { outcome: 'allowed', rule };
  return { outcome: rule.auto_approve.some((window) => lets(window, subject, at)) ? 'auto_approved' : 'required', rule };
}

/**
 * Whether a rule is about a request. What a request does not say of its risk, cost and confidence is taken for the worst by a rule that
 * asks for approval, and for nothing by one that allows: whoever keeps silent gains nothing by it.
 */
export function fits({ match, effect }: Pick<Rule, 'match' | 'effect'>, subject: RuleSubject): boolean {
  const unsaid = effect === 'require';
  const { kinds, tools, agent_ids, board_ids, autonomy_levels, min_risk, min_cost_usd, max_confidence } = match;
  return (
    named(kinds, subject.kind) && named(tools, subject.tool) && among(agent_ids, subject.agent_id) && among(board_ids, subject.board_id) && among(autonomy_levels, subject.autonomy_level) &&
    (min_risk === undefined || (subject.risk === undefined ? unsaid : rank(subject.risk) >= rank(min_risk))) &&
    (min_cost_usd === undefined || (subject.cost_usd === undefined ? unsaid : subject.cost_usd >= min_cost_usd)) &&
    (max_confidence === undefined || (subject.confidence === undefined ? unsaid : subject.confidence <= max_confidence))
  );
}

/** For the trace of a request. */
export const traceOf = ({ outcome, rule: { id, version, name } }: Ruling): TraceEntry => ({ rule_id: id, version, name, outcome });

/** The demand of a rule on top of what the asker said: nobody asks less of themselves than the rule does. */
export function demandOf(own: RuleDemand, { demand }: Pick<Rule, 'demand'>): RuleDemand {
  return {
    approvers: isNobody(demand.approvers) ? own.approvers : demand.approvers,
    min_approvals: Math.max(own.min_approvals ?? 1, demand.min_approvals ?? 1),
    expires_seconds: least(own.expires_seconds, demand.expires_seconds),
    on_expire: demand.on_expire ?? own.on_expire,
    grant_seconds: least(own.grant_seconds, demand.grant_seconds),
  };
}

function lets({ max_risk, max_cost_usd, ...window }: AutoApproval, { risk, cost_usd }: RuleSubject, at: Date): boolean {
  if (max_risk !== undefined && (risk === undefined || rank(risk) > rank(max_risk))) return false;
  if (max_cost_usd !== undefined && (cost_usd === undefined || cost_usd > max_cost_usd)) return false;
  return isOpen(window, at);
}

const rank = (risk: ApprovalRisk): number => APPROVAL_RISKS.indexOf(risk);

const among = (list: readonly string[] | undefined, value: string | undefined): boolean => list === undefined || (value !== undefined && list.includes(value));

const named = (patterns: readonly string[] | undefined, value: string | undefined): boolean =>
  patterns === undefined || (value !== undefined && patterns.some((pattern) => (pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern)));

const isNobody = (approvers: Approvers | undefined): boolean => (approvers?.users ?? []).length + (approvers?.roles ?? []).length === 0;

function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
