import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { ApprovalPeople } from './approval-people.js';
import { type ApprovalRule, definitionOf, type RuleDefinition } from './approval-rule.entity.js';
import type { CreateApprovalRuleDto, UpdateApprovalRuleDto } from './approval-rules.dto.js';
import { ApprovalRulesRepository, type RuleVersion } from './approval-rules.repository.js';
import { KnownApprovalRules } from './known-approval-rules.js';

/** All of a tenant's rules are in the memory of each process. */
const MOST_RULES = 200;

const NEW: Omit<RuleDefinition, 'name'> = { description: null, enabled: true, priority: 100, effect: 'require', match: {}, demand: {}, auto_approve: [], escalation: null };

/** What administrators do with rules. Each change is a version, and holds in every process before it is answered. */
@Injectable()
export class ApprovalRulesService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalRulesRepository,
    private readonly known: KnownApprovalRules,
    private readonly people: ApprovalPeople,
    private readonly audit: AuditPort,
  ) {}

  @Transactional()
  list(page: PageRequest): Promise<Page<ApprovalRule>> {
    return this.repository.page(this.context.tenantId, page);
  }

  @Transactional()
  async get(id: string): Promise<ApprovalRule> {
    return (await this.repository.find(this.context.tenantId, id)) ?? absent();
  }

  /** Also of a rule that is gone: traces name its versions. */
  @Transactional()
  async versions(id: string): Promise<RuleVersion[]> {
    const versions = await this.repository.versions(this.context.tenantId, id);
    return versions.length > 0 ? versions : absent();
  }

  /** @throws Problem `invalid_request`, `name_taken`, `plan_limit_reached`, `fresh_sign_in_required` */
  @Transactional()
  async create(body: CreateApprovalRuleDto): Promise<ApprovalRule> {
    requireFreshAuthority(this.context);
    const { tenantId } = this.context;
    const count = await this.repository.count(tenantId);
    if (count >= MOST_RULES) throw new Problem('plan_limit_reached', { detail: `A tenant has at most ${MOST_RULES} approval rules.`, limit: MOST_RULES, current: count });
    const definition = await this.asItWouldBe(undefined, body);
    const id = newId();
    await orNameTaken(this.repository.insert({ ...definition, tenant_id: tenantId, id, version: 1 }));
    const rule = await this.kept(id);
    await this.audit.record({ action: 'approval_rule.create', resource: { type: 'approval_rule', id }, after: definition });
    return rule;
  }

  /** @throws Problem as `create`, and `not_found`, `precondition_failed` */
  @Transactional()
  async update(id: string, body: UpdateApprovalRuleDto): Promise<ApprovalRule> {
    const before = (await this.repository.lock(id)) ?? absent();
    requireFreshAuthority(this.context);
    checkIfMatch(this.context.get('ifMatch'), before);
    const definition = await this.asItWouldBe(before, body);
    await orNameTaken(this.repository.update({ ...definition, tenant_id: before.tenant_id, id, version: before.version + 1 }));
    const rule = await this.kept(id);
    await this.audit.record({ action: 'approval_rule.update', resource: { type: 'approval_rule', id }, before: definitionOf(before), after: definition });
    return rule;
  }

  @Transactional()
  async delete(id: string): Promise<void> {
    const before = (await this.repository.lock(id)) ?? absent();
    requireFreshAuthority(this.context);
    checkIfMatch(this.context.get('ifMatch'), before);
    await this.repository.delete(before.tenant_id, id);
    await this.audit.record({ action: 'approval_rule.delete', resource: { type: 'approval_rule', id }, before: definitionOf(before) });
    this.known.changed(before.tenant_id);
  }

  /**
   * What a rule would be.
   * @throws Problem `invalid_request` for what contradicts itself, or names people who may not decide
   */
  async asItWouldBe(before: ApprovalRule | undefined, body: UpdateApprovalRuleDto): Promise<RuleDefinition> {
    const said = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    // As it is read back: without classes, and without what is not there.
    const rule = JSON.parse(JSON.stringify({ ...(before ? definitionOf(before) : NEW), ...said })) as RuleDefinition;
    const { approvers, on_expire, expires_seconds, min_approvals = 1 } = rule.demand;
    if (on_expire === 'approve' && expires_seconds === undefined) throw invalidField('demand.expires_seconds', 'required', 'must say when it counts as approved');
    if (on_expire === 'escalate' && !rule.escalation) throw invalidField('escalation', 'required', 'must say to whom it goes then');
    await this.people.check('demand.approvers', approvers, min_approvals);
    await this.people.check('escalation.to', rule.escalation?.to, min_approvals);
    return rule;
  }

  private async kept(id: string): Promise<ApprovalRule> {
    const rule = await this.get(id);
    await this.repository.keepVersion(rule, this.context.actor);
    this.known.changed(rule.tenant_id);
    return rule;
  }
}

async function orNameTaken(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (error) {
    if (brokenConstraint(error)?.includes('name')) throw new Problem('name_taken');
    throw error;
  }
}

function absent(): never {
  throw notFound('approval rule');
}
