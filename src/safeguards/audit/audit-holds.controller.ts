import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { AcceptRestoreDto } from './audit-holds.dto.js';
import { AuditHoldsService } from './audit-holds.service.js';
import { AcceptedRestoreView, AuditHoldView, toAcceptedRestoreView, toAuditHoldView } from './audit-holds.view.js';

@ApiController('audit/holds', 'Safeguards / Audit')
export class AuditHoldsController {
  constructor(private readonly holds: AuditHoldsService) {}

  /**
   * Lists audit logs that are not sealed any further. Each is not the one that was sealed before: an older state was put back, or
   * another log is in its place. Each names the state that it is in, and the checkpoint that it was measured against.
   * Administrators of the operator tenant see all of them, others their own.
   */
  @Get()
  @Operation({ id: 'listAuditHolds', allow: 'audit:read', returns: pageOf(AuditHoldView) })
  async list(@Query() query: PageQuery): Promise<Page<AuditHoldView>> {
    return mapPage(await this.holds.page(query), toAuditHoldView);
  }

  /**
   * Accepts an audit log that was put back. For administrators of the operator tenant who have signed in within the last five
   * minutes, after a restore that was meant. It names the state that is accepted: when the log is another one by now, it is not, and the
   * answer (409) says what it is, in log_size and log_root. Accepting is signed and stays on record; the rows of meanwhile are sealed.
   */
  @Post(':tenant_id/accept')
  @Operation({
    id: 'acceptAuditRestore', allow: 'tenant:write', returns: AcceptedRestoreView, status: 200, idempotency: 'outside',
    problems: ['not_found', 'fresh_sign_in_required', 'conflict'],
  })
  async accept(@Param('tenant_id', Uuid) tenantId: string, @Body() body: AcceptRestoreDto): Promise<AcceptedRestoreView> {
    return toAcceptedRestoreView(await this.holds.accept(tenantId, body));
  }
}
