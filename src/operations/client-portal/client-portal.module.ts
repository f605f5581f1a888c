import { Module } from '@nestjs/common';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { ApprovalsModule } from '../../safeguards/approvals/approvals.module.js';
import { UsageModule } from '../../safeguards/usage/usage.module.js';
import { ClientPortalController } from './client-portal.controller.js';
import { ClientPortalService } from './client-portal.service.js';

/** What the clients of a tenant see of it: the one thing that role `client` is for. */
@Module({ imports: [AgentsModule, ApprovalsModule, UsageModule], controllers: [ClientPortalController], providers: [ClientPortalService] })
export class ClientPortalModule {}
