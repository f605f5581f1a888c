import { Get, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { AuditQuery } from './audit.dto.js';
import { AuditService } from './audit.service.js';
import { AuditView, toAuditView } from './audit.view.js';

@ApiController('admin/audit', 'Safeguards / Audit')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  /**
   * Searches the audit log. Newest first: every change that a person or a key made, every refusal and every sign-in,
   * with who, from where, in which request, and the resource before and after. Rows cannot be changed or removed.
   */
  @Get()
  @Operation({ id: 'searchAudit', allow: 'audit:read', returns: pageOf(AuditView) })
  async search(@Query() query: AuditQuery): Promise<Page<AuditView>> {
    const { limit, offset, cursor, from, to, ...filter } = query;
    return mapPage(await this.audit.search({ ...filter, from: from ? new Date(from) : undefined, to: to ? new Date(to) : undefined }, { limit, offset, cursor }), toAuditView);
  }
}
