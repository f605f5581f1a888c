import { Injectable } from '@nestjs/common';
import { newId } from '../../core/ids.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { GateRequest } from './approval-gate.port.js';
import { ApprovalPassesRepository } from './approval-passes.repository.js';
import { ruleOn, type RuleSubject, type Ruling } from './approval-rule.matcher.js';
import type { ApprovalFacts } from './approval.entity.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { KnownApprovalRules } from './known-approval-rules.js';

type Asked = Pick<GateRequest, 'action' | 'agentId' | 'risk' | 'costUsd' | 'confidence' | 'facts'>;

/** What the rules of the tenant say of a request now. */
@Injectable()
export class ApprovalRulings {
  constructor(
    private readonly context: RequestContext,
    private readonly rules: KnownApprovalRules,
    private readonly agents: AgentsReader,
    private readonly approvals: ApprovalsRepository,
    private readonly passes: ApprovalPassesRepository,
  ) {}

  /** Whether there are any: who is asked a lot asks this first. */
  async areAny(): Promise<boolean> {
    return (await this.rules.of(this.context.tenantId)).some(({ enabled }) => enabled);
  }

  async on(asked: Asked): Promise<{ ruling: Ruling | undefined; facts: ApprovalFacts; subject: RuleSubject }> {
    const facts = await this.factsOf(asked);
    const subject = subjectOf(asked, facts);
    const ruling = ruleOn(await this.rules.of(this.context.tenantId), subject, await this.approvals.now());
    return { ruling, facts, subject };
  }

  /** Remembers what was let through, so that new rules can be tried on it. */
  async keepPass(subject: RuleSubject): Promise<void> {
    const { agent_id, ...facts } = subject;
    await this.passes.insert({ tenant_id: this.context.tenantId, id: newId(), agent_id: agent_id ?? null, facts });
  }

  private async factsOf({ agentId, action, facts }: Asked): Promise<ApprovalFacts> {
    const [agent] = agentId === undefined ? [] : await this.agents.findMany([agentId]);
    const tool = facts?.tool ?? toolOf(action);
    return { ...facts, ...(tool === undefined ? {} : { tool }), ...(agent ? { autonomy_level: agent.autonomy_level } : {}) };
  }
}

/** `tool:NAME`, or the argument of that name. */
function toolOf({ kind, arguments: given }: GateRequest['action']): string | undefined {
  if (kind.startsWith('tool:')) return kind.slice('tool:'.length);
  const tool = given['tool'];
  return typeof tool === 'string' ? tool : undefined;
}

const subjectOf = ({ action, agentId, risk, costUsd, confidence }: Asked, facts: ApprovalFacts): RuleSubject => ({
  kind: action.kind, agent_id: agentId, risk, cost_usd: costUsd, confidence, ...facts,
});
