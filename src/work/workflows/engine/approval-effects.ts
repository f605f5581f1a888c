import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../../platform/context/request-context.js';
import { Problem } from '../../../core/problem.js';
import { APPROVAL_RISKS, ApprovalGate, type ApprovalRisk, type Approvers, type GateAnswer, type GateRequest } from '../../../safeguards/approvals/approval-gate.port.js';
import { AwaitedRepository } from './awaited.repository.js';
import { completedFact, type EffectMaker, errorOf, failedFact, type Wanted } from './effects.js';
import { namedPeople } from './named-people.js';
import type { NewFact } from './runs.repository.js';

/** What an approval of a step is about. */
const KIND = 'workflow.step';

/** Approvals that steps ask for. The step waits for the approval, which knows it as its source. */
@Injectable()
export class ApprovalEffects implements EffectMaker {
  constructor(
    private readonly context: RequestContext,
    private readonly gate: ApprovalGate,
    private readonly awaited: AwaitedRepository,
  ) {}

  async make(wanted: readonly Wanted[]): Promise<NewFact[]> {
    const facts: NewFact[] = [];
    for (const effect of wanted) {
      const answer = await this.ask(effect);
      if (answer instanceof Problem) facts.push(failedFact(effect, errorOf(answer)));
      else if (answer.state === 'pending' && answer.approvalId !== null) await this.awaited.waitFor(this.context.tenantId, effect, answer.approvalId);
      else facts.push(answer.state === 'refused' ? failedFact(effect, { code: 'approval_refused', message: answer.reason ?? 'It was refused.', passing: false }) : completedFact(effect, { approval_id: answer.approvalId, status: 'approved', approvers: [], note: null }));
    }
    return facts;
  }

  release(ids: readonly string[], reason: string): Promise<void> {
    return this.gate.withdraw(ids, reason);
  }

  private async ask(effect: Wanted): Promise<GateAnswer | Problem> {
    const fault = faultOf(effect.values);
    if (fault !== undefined) return new Problem('unprocessable', { detail: fault });
    try {
      return await this.gate.ask(requestOf(effect));
    } catch (error) {
      if (error instanceof Problem && error.status < 500) return error;
      throw error;
    }
  }
}

function requestOf({ id, runId, workflowId, path, requester, values }: Wanted): GateRequest {
  const { title, description, approvers, min_approvals: least, expires_seconds: expires, risk, confidence, action, input } = values;
  const given = typeof action === 'object' && action !== null ? action as { kind?: unknown; arguments?: unknown } : {};
  return {
    action: {
      kind: typeof given.kind === 'string' ? given.kind : KIND,
      arguments: typeof given.arguments === 'object' && given.arguments !== null ? (given.arguments as Record<string, unknown>) : { workflow_id: workflowId, run_id: runId, path, ...(input === undefined || input === null ? {} : { input }) },
    },
    title: typeof title === 'string' && title !== '' ? title : path,
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof confidence === 'number' ? { confidence } : {}),
    ...(APPROVAL_RISKS.includes(risk as ApprovalRisk) ? { risk: risk as ApprovalRisk } : {}),
    ...(requester === null ? {} : { requester }),
    source: { kind: 'workflow_step', id },
    require: {
      ...(approvers === undefined || approvers === null ? {} : { approvers: peopleOf(approvers) }),
      ...(typeof least === 'number' ? { min_approvals: least } : {}),
      ...(typeof expires === 'number' ? { expires_seconds: expires } : {}),
    },
  };
}

const peopleOf = (approvers: unknown): Approvers => {
  const { users, roles } = namedPeople(approvers);
  return { users, roles };
};

/** What expressions have made of a demand must be readable: left out, everybody could approve, or fewer than were meant. */
function faultOf({ approvers, min_approvals: least, expires_seconds: expires, risk, confidence }: Wanted['values']): string | undefined {
  if (approvers !== undefined && approvers !== null) {
    const { users, roles, unknown } = namedPeople(approvers);
    if (unknown.length > 0 || users.length + roles.length === 0) return 'approvers names nobody, or something that is neither the id of a user nor a role.';
  }
  const numbers = { min_approvals: least, expires_seconds: expires, confidence };
  for (const [name, value] of Object.entries(numbers)) if (value !== undefined && value !== null && typeof value !== 'number') return `${name} is not a number.`;
  return risk === undefined || risk === null || APPROVAL_RISKS.includes(risk as ApprovalRisk) ? undefined : 'risk is none that there is.';
}
