import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApprovalPassesRepository } from './approval-passes.repository.js';
import { inOrder, type Rule, ruleOn, type RuleSubject, type Ruling } from './approval-rule.matcher.js';
import type { DryRunApprovalRuleDto } from './approval-rules.dto.js';
import { ApprovalRulesService } from './approval-rules.service.js';
import { KnownApprovalRules } from './known-approval-rules.js';

type Outcome = Ruling['outcome'] | 'none';
type Counts = Record<Outcome, number>;

export interface DryRunExample {
  approval_id: string | null;
  title: string | null;
  kind: string;
  agent_id: string | null;
  requested_at: Date;
  now: Outcome;
  then: Outcome;
}

export interface DryRun {
  considered: number;
  decided_by_rule: number;
  changed: number;
  now: Counts;
  then: Counts;
  examples: DryRunExample[];
}

const MOST_REQUESTS = 5_000;
const MOST_EXAMPLES = 50;

/** Tries a rule on what was asked for before, at the times at which it was asked. */
@Injectable()
export class ApprovalDryRuns {
  constructor(
    private readonly context: RequestContext,
    private readonly rules: ApprovalRulesService,
    private readonly known: KnownApprovalRules,
    private readonly passes: ApprovalPassesRepository,
  ) {}

  /** @throws Problem `not_found` for a rule_id that is none, and what creating the rule would throw */
  @Transactional()
  async run({ rule: wanted, rule_id: ruleId, days }: DryRunApprovalRuleDto): Promise<DryRun> {
    const { tenantId } = this.context;
    const before = ruleId === undefined ? undefined : await this.rules.get(ruleId);
    const definition = await this.rules.asItWouldBe(before, wanted);
    const rule: Rule = { ...definition, id: before?.id ?? newId(), version: (before?.version ?? 0) + 1 };
    const now = await this.known.of(tenantId);
    const then = [...now.filter(({ id }) => id !== rule.id), rule].toSorted(inOrder);
    const history = await this.passes.history(tenantId, days, MOST_REQUESTS);
    const run: DryRun = { considered: history.length, decided_by_rule: 0, changed: 0, now: noCounts(), then: noCounts(), examples: [] };
    for (const { approval_id, title, subject, created_at: at } of history) {
      const [was, is] = [ruleOn(now, subject, at), ruleOn(then, subject, at)];
      note(run, { approval_id, title, ...named(subject), requested_at: at, now: was?.outcome ?? 'none', then: is?.outcome ?? 'none' }, is?.rule === rule);
    }
    return run;
  }
}

const noCounts = (): Counts => ({ required: 0, auto_approved: 0, allowed: 0, none: 0 });

const named = ({ kind, agent_id }: RuleSubject): { kind: string; agent_id: string | null } => ({ kind, agent_id: agent_id ?? null });

function note(run: DryRun, example: DryRunExample, isByRule: boolean): void {
  run.now[example.now] += 1;
  run.then[example.then] += 1;
  if (isByRule) run.decided_by_rule += 1;
  if (example.now === example.then) return;
  run.changed += 1;
  if (run.examples.length < MOST_EXAMPLES) run.examples.push(example);
}
