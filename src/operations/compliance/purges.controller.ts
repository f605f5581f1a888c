import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { PurgeDto } from './purges.dto.js';
import { PurgesService } from './purges.service.js';
import { PurgeView, toPurgeView } from './purges.view.js';

@ApiController('compliance', 'Operations / Compliance')
export class PurgesController {
  constructor(private readonly purges: PurgesService) {}

  /**
   * Purges an agent or a tenant. When this is answered its credentials are refused and its keys are destroyed, for good; its
   * rows are erased after that. The audit log stays valid, without its content. Takes a person who has signed in within the
   * last five minutes; tenants are purged by administrators of the operator tenant. Asked again, it answers the same purge.
   */
  @Post('purge')
  @Operation({
    id: 'purgeCompliance', allow: 'compliance:purge', returns: PurgeView, status: 202, idempotency: 'outside',
    problems: ['fresh_sign_in_required', 'not_found', 'operator_tenant', 'unprocessable', 'conflict'],
  })
  async purge(@Body() body: PurgeDto): Promise<PurgeView> {
    return toPurgeView(await this.purges.request(body));
  }

  /** Lists purges, newest first. Those of tenants are the operator's. */
  @Get('purges')
  @Operation({ id: 'listPurges', allow: 'audit:read', returns: pageOf(PurgeView) })
  async list(@Query() query: PageQuery): Promise<Page<PurgeView>> {
    return mapPage(await this.purges.page(query), toPurgeView);
  }

  /** Reads a purge. When it is done it carries its certificate, which `npx wheelhouse audit certificate` checks. */
  @Get('purges/:id')
  @Operation({ id: 'getPurge', allow: 'audit:read', returns: PurgeView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<PurgeView> {
    return toPurgeView(await this.purges.get(id));
  }
}
