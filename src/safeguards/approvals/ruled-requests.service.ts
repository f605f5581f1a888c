import { Injectable } from '@nestjs/common';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { ApprovalDecisions } from './approval-decisions.service.js';
import { absent, subjectOf, summaryOf } from './approval-facts.js';
import type { GateRequest } from './approval-gate.port.js';
import { type ApprovalDraft, ApprovalRequests } from './approval-requests.service.js';
import { demandOf, type Rule, type Ruling, traceOf } from './approval-rule.matcher.js';
import { ApprovalRulings } from './approval-rulings.service.js';
import type { Approval, ApprovalFacts } from './approval.entity.js';

const WAITING = `from approvals where tenant_id = $1 and status = 'pending'`;

/** Why an approval is needed. */
interface Judgement {
  ruling: Ruling | undefined;
  facts: ApprovalFacts;
}

/** Requests, as the rules of the tenant make them. In the caller's transaction. */
@Injectable()
export class RuledRequests {
  constructor(
    private readonly rulings: ApprovalRulings,
    private readonly requests: ApprovalRequests,
    private readonly decisions: ApprovalDecisions,
    private readonly audit: AuditPort,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('waiting_approvals', WAITING);
  }

  /**
   * What somebody asks for by themselves: it always becomes an approval, which a rule may give at once.
   * @throws Problem `plan_limit_reached`, and what `ApprovalRequests.make` throws
   */
  async request(draft: ApprovalDraft): Promise<Approval> {
    const { ruling, facts } = await this.rulings.on(draft);
    if (waits(ruling)) await this.plans.admit('waiting_approvals');
    const made = (await this.requests.make({ ...underRule(draft, ruling), facts })) ?? absent();
    return ruling && ruling.outcome !== 'required' ? this.approve(made, ruling) : made;
  }

  /**
   * What the rules say to what another domain is about to do.
   * @returns `allowed` when nothing asks for approval
   */
  async judge(request: GateRequest): Promise<'allowed' | Judgement> {
    // Most tenants have no rules, and most that is asked needs none.
    if (!request.require && !(await this.rulings.areAny())) return 'allowed';
    const { ruling, facts, subject } = await this.rulings.on(request);
    const isRuled = ruling?.outcome === 'required' || (ruling?.outcome === 'auto_approved' && !request.require);
    // Where the caller itself asks for people, no rule lets it through; one may ask for more.
    if (isRuled || request.require) return { ruling: isRuled ? ruling : undefined, facts };
    await this.rulings.keepPass(subject);
    return 'allowed';
  }

  /** The approval, given already where a rule lets it through; undefined when the source has one that was made at the same moment. */
  async makeFor(request: GateRequest, { ruling, facts }: Judgement): Promise<Approval | undefined> {
    if (waits(ruling)) await this.plans.admit('waiting_approvals');
    const made = await this.requests.make({ ...underRule({ ...request, demand: request.require }, ruling), facts });
    return made && ruling?.outcome === 'auto_approved' ? this.approve(made, ruling) : made;
  }

  private async approve(made: Approval, { rule }: Ruling): Promise<Approval> {
    const after = await this.decisions.end(made, { status: 'approved', by: { kind: 'rule', id: rule.id }, note: null, decisions: [] });
    await this.audit.record({ action: 'approval.auto_approve', resource: { type: 'approval', id: made.id }, before: summaryOf(made), after: summaryOf(after), ...subjectOf(after) });
    return after;
  }
}

/** What no rule gives at once waits for people, and counts towards what the tenant's plan allows. */
const waits = (ruling: Ruling | undefined): boolean => ruling === undefined || ruling.outcome === 'required';

/** A draft, with what the rule asks for, and the rule in its trace. */
function underRule(draft: ApprovalDraft, ruling: Ruling | undefined): ApprovalDraft {
  if (!ruling) return draft;
  const { outcome, rule } = ruling;
  const demand = outcome === 'required' ? demandOf(draft.demand ?? {}, rule) : draft.demand;
  const escalation = rule.escalation ?? (outcome === 'required' && isStrict(rule) ? undefined : draft.escalation);
  const on_expire = demand?.on_expire === 'escalate' && !escalation ? 'reject' : demand?.on_expire;
  return { ...draft, demand: { ...demand, on_expire }, escalation, trace: [traceOf(ruling)] };
}

/** Where a rule says who decides, or until when, nobody takes it elsewhere, or for longer, by an escalation of his own. */
const isStrict = ({ demand: { approvers, expires_seconds: seconds } }: Rule): boolean => (approvers?.users ?? []).length + (approvers?.roles ?? []).length > 0 || seconds !== undefined;
