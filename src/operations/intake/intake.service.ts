import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { OperatorTenant } from '../../identity/tenants/operator-tenant.port.js';
import { UserAccounts, type PreparedAccount } from '../../identity/users/user-accounts.port.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { OtherTenant } from '../../platform/database/other-tenant.js';
import type { IntakeStatus, IntakeSubmission } from './intake-submission.entity.js';
import type { ConvertIntakeDto, SubmitIntakeDto } from './intake.dto.js';
import { IntakeRepository } from './intake.repository.js';
import type { IntakeConversionView } from './intake.view.js';

/** The form of those who want to become a tenant: filled in by anyone, read and turned into tenants by the operator. */
@Injectable()
export class IntakeService {
  constructor(
    private readonly repository: IntakeRepository,
    private readonly operator: OperatorTenant,
    private readonly accounts: UserAccounts,
    private readonly otherTenant: OtherTenant,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {}

  /** In the transaction of the request, where it has one: a second would be a second connection. */
  submit(request: SubmitIntakeDto): Promise<IntakeSubmission> {
    const ip = this.context.get('ip') ?? '';
    this.context.set('tenantId', OPERATOR_TENANT_ID);
    return this.keep(request, isIP(ip) === 0 ? null : ip);
  }

  @Transactional()
  protected async keep({ full_name, email, priorities = null, automation_wish = null, channels = [] }: SubmitIntakeDto, ip: string | null): Promise<IntakeSubmission> {
    const made = await this.repository.insert(OPERATOR_TENANT_ID, { id: newId(), full_name, email, priorities, automation_wish, channels, ip });
    await this.audit.record({ action: 'intake.submit', resource: { type: 'intake', id: made.id } });
    return made;
  }

  /** Those of the context's tenant: every other than the operator's has none. */
  @Transactional()
  page(status: IntakeStatus | undefined, page: PageRequest): Promise<Page<IntakeSubmission>> {
    return this.repository.page(this.context.tenantId, status, page);
  }

  /** @throws Problem `forbidden`, `not_found`, `intake_converted`, `slug_taken`, `email_taken`, `weak_password` */
  async convert({ submission_id, name, slug, password }: ConvertIntakeDto): Promise<IntakeConversionView> {
    this.checkOperator();
    const { full_name, email } = await this.open(submission_id);
    // Hashed before the transaction begins: it takes long.
    const account = await this.accounts.prepare({ email, full_name, password, role: 'admin' });
    return this.found(submission_id, { name, slug }, account);
  }

  @Transactional()
  protected async open(id: string): Promise<IntakeSubmission> {
    const submission = await this.repository.find(OPERATOR_TENANT_ID, id);
    if (!submission) throw notFound('intake submission');
    if (submission.status !== 'new') throw new Problem('intake_converted', { current: submission.converted_tenant_id ?? '' });
    return submission;
  }

  /** Removes a form, whatever became of it. A tenant that was made of it stays. @throws Problem `forbidden`, `not_found` */
  @Transactional()
  async remove(id: string): Promise<void> {
    this.checkOperator();
    const status = await this.repository.remove(OPERATOR_TENANT_ID, id);
    if (status === undefined) throw notFound('intake submission');
    await this.audit.record({ action: 'intake.remove', resource: { type: 'intake', id }, before: { status } });
  }

  /** The tenant, its first administrator and the submission's end: all of it or nothing. */
  @Transactional()
  protected async found(id: string, request: { name: string; slug: string }, account: PreparedAccount): Promise<IntakeConversionView> {
    const tenant = await this.operator.found(request);
    if (!(await this.repository.convert(OPERATOR_TENANT_ID, id, tenant.id))) throw new Problem('intake_converted');
    const admin = await this.otherTenant.actFor(tenant.id, () => this.accounts.addFirst(account));
    await this.audit.record({
      action: 'intake.convert',
      resource: { type: 'intake', id },
      after: { converted_tenant_id: tenant.id, admin: { id: admin.id } },
      subject: { type: 'tenant', id: tenant.id },
    });
    return { tenant, admin };
  }

  private checkOperator(): void {
    if (this.context.tenantId !== OPERATOR_TENANT_ID) throw new Problem('forbidden', { detail: 'Forms are for administrators of the operator tenant.' });
  }
}
