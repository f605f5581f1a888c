import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { isId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import { isUnchanged } from '../../core/changes.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { OtherTenant } from '../../platform/database/other-tenant.js';
import { idOfNew } from '../../platform/database/transaction-scope.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { OperatorTenant } from './operator-tenant.port.js';
import { PlanLimitsService, planTag, type Usage } from './plan-limits.service.js';
import type { Tenant, TenantStatus } from './tenant.entity.js';
import type { CreateTenantDto, UpdateTenantDto } from './tenants.dto.js';
import { TenantsRepository, type TenantState } from './tenants.repository.js';
import { auditedTenant, type TenantView, toTenantView } from './tenants.view.js';

/** Tenants, as the operator manages them; an administrator of another tenant sees that one alone. */
@Injectable()
export class TenantsService extends OperatorTenant {
  constructor(
    private readonly tenants: TenantsRepository,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
    private readonly plans: PlanLimitsService,
    private readonly others: OtherTenant,
    private readonly jobs: Jobs,
  ) {
    super();
  }

  @Transactional()
  page(status: TenantStatus | undefined, page: PageRequest): Promise<Page<Tenant>> {
    return this.tenants.page(status, page);
  }

  @Transactional()
  async get(id: string): Promise<Tenant> {
    const tenant = await this.tenants.find(id);
    if (!tenant) throw notFound('tenant');
    return tenant;
  }

  @Transactional()
  async create({ name, slug, plan = 'free' }: CreateTenantDto): Promise<Tenant> {
    if (!this.isOperator()) throw new Problem('forbidden', { detail: 'Only administrators of the operator tenant create tenants.' });
    // Where a tenant may be named by id or slug, a slug in the form of an id would be another tenant's name.
    if (isId(slug)) throw invalidField('slug', 'format', 'must not have the form of an id');
    const tenant = await this.tenants.insert({ id: idOfNew(), name, slug, plan }).catch((error: unknown) => {
      throw brokenConstraint(error) === 'tenants_slug_key' ? new Problem('slug_taken', { current: slug }) : error;
    });
    await this.audit.record({ action: 'tenant.create', resource: { type: 'tenant', id: tenant.id }, after: auditedTenant(tenant) });
    return tenant;
  }

  /** What the tenant may have and has, counted in its own view of the tables. */
  @Transactional()
  async usage(id: string): Promise<{ tenant: Tenant; usages: Usage[] }> {
    const tenant = await this.get(id);
    return { tenant, usages: await this.others.actFor(id, () => this.plans.usage(tenant)) };
  }

  /** A limit that is changed holds, in every process, before this is answered. */
  @Transactional()
  async update(id: string, { name, plan, limits }: UpdateTenantDto): Promise<Tenant> {
    // Before the tenant's row: those who are making things under the limits of now refer to it.
    if ((plan !== undefined || limits !== undefined) && this.isOperator()) await this.plans.hold(id);
    const change = { ...(name === undefined ? {} : { name }), ...(plan === undefined ? {} : { plan }), ...(limits === undefined ? {} : { limits: { ...limits } }) };
    const tenant = await this.change('tenant.update', id, change);
    this.revocations.afterCommit(planTag(id));
    return tenant;
  }

  /** From the commit on every credential of the tenant is refused, in every process. */
  @Transactional()
  async suspend(id: string, reason: string | null): Promise<Tenant> {
    if (id === OPERATOR_TENANT_ID && this.isOperator()) throw new Problem('operator_tenant');
    const tenant = await this.change('tenant.suspend', id, { status: 'suspended', suspended_reason: reason });
    this.revocations.afterCommit(`tenant:${id}`);
    return tenant;
  }

  @Transactional()
  async resume(id: string): Promise<Tenant> {
    const tenant = await this.change('tenant.resume', id, { status: 'active', suspended_reason: null });
    await this.others.actFor(id, () => this.jobs.unpark());
    this.revocations.afterCommit(`tenant:${id}`);
    return tenant;
  }

  async found(tenant: { name: string; slug: string }): Promise<TenantView> {
    return toTenantView(await this.create(tenant));
  }

  async rename(name: string): Promise<void> {
    await this.change('tenant.update', OPERATOR_TENANT_ID, { name });
  }

  /** Its own tenant an administrator may read but not change; another's is not there. */
  private async change(action: string, id: string, change: Partial<TenantState>): Promise<Tenant> {
    const before = await this.tenants.find(id);
    if (!before) throw notFound('tenant');
    if (!this.isOperator()) throw new Problem('forbidden', { detail: 'Only administrators of the operator tenant change tenants.' });
    return this.write(action, id, change);
  }

  private async write(action: string, id: string, change: Partial<TenantState>): Promise<Tenant> {
    const before = await this.tenants.lock(id);
    if (!before) throw notFound('tenant');
    checkIfMatch(this.context.get('ifMatch'), before);
    const { name, plan, limits, status, suspended_reason } = before;
    const state: TenantState = { name, plan, limits, status, suspended_reason };
    if (isUnchanged(state, change)) return before;
    const after = await this.tenants.update(id, { ...state, ...change });
    await this.audit.record({ action, resource: { type: 'tenant', id }, before: auditedTenant(before), after: auditedTenant(after) });
    return after;
  }

  /** Acting for the operator tenant itself: an operator who named another tenant acts as an administrator of that one. */
  private isOperator(): boolean {
    return this.context.tenantId === OPERATOR_TENANT_ID;
  }
}
