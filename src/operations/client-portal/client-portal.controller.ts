import { Get, Query } from '@nestjs/common';
import type { Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { ClientCostsQuery } from './client-portal.dto.js';
import { ClientPortalService } from './client-portal.service.js';
import { ClientAgentView, ClientCostsView, ClientDashboardView } from './client-portal.view.js';

@ApiController('client', 'Operations / Client portal')
export class ClientPortalController {
  constructor(private readonly portal: ClientPortalService) {}

  /** Shows how the work of the own tenant goes. Agents and tasks by status, what was completed, approvals that wait, the cost of this month. Days begin at midnight UTC. */
  @Get('dashboard')
  @Operation({ id: 'getClientDashboard', allow: 'portal:read', returns: ClientDashboardView })
  dashboard(): Promise<ClientDashboardView> {
    return this.portal.dashboard();
  }

  /** Lists the agents of the own tenant, newest first. Names and how they do, nothing of how they work. */
  @Get('agents')
  @Operation({ id: 'listClientAgents', allow: 'portal:read', returns: pageOf(ClientAgentView) })
  agents(@Query() query: PageQuery): Promise<Page<ClientAgentView>> {
    return this.portal.agents(query);
  }

  /** Shows what the own tenant has cost. By day and by agent, as its agents said; the last 30 days unless told otherwise. */
  @Get('costs')
  @Operation({ id: 'getClientCosts', allow: 'portal:read', returns: ClientCostsView })
  costs(@Query() query: ClientCostsQuery): Promise<ClientCostsView> {
    return this.portal.costs(query);
  }
}
