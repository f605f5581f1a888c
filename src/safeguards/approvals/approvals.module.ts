import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { erasable } from '../../platform/erasure/erasable.js';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { AccessPolicyModule } from '../../identity/access-policy/access-policy.module.js';
import { MfaModule } from '../../identity/mfa/mfa.module.js';
import { SessionsModule } from '../../identity/sessions/sessions.module.js';
import { UsersModule } from '../../identity/users/users.module.js';
import { AgentApprovalsController } from './agent-approvals.controller.js';
import { ApprovalDeadlines } from './approval-deadlines.service.js';
import { ApprovalDecisions } from './approval-decisions.service.js';
import { Approval } from './approval.entity.js';
import { ApprovalDryRuns } from './approval-dry-runs.service.js';
import { ApprovalExpiry } from './approval-expiry.js';
import { ApprovalGate } from './approval-gate.port.js';
import { ApprovalGrants } from './approval-grants.service.js';
import { ApprovalLink } from './approval-link.entity.js';
import { ApprovalLinksController } from './approval-links.controller.js';
import { ApprovalLinksRepository } from './approval-links.repository.js';
import { ApprovalLinks } from './approval-links.service.js';
import { ApprovalPassesRepository } from './approval-passes.repository.js';
import { ApprovalPeople } from './approval-people.js';
import { ApprovalRequests } from './approval-requests.service.js';
import { ApprovalRule } from './approval-rule.entity.js';
import { ApprovalRulesController } from './approval-rules.controller.js';
import { ApprovalRulesRepository } from './approval-rules.repository.js';
import { ApprovalRulesService } from './approval-rules.service.js';
import { ApprovalRulings } from './approval-rulings.service.js';
import { ApprovalSeals } from './approval-seals.js';
import { ApprovalWaiters } from './approval-waiters.js';
import { APPROVAL_CONTENT } from './approvals.erasure.js';
import { ApprovalsController } from './approvals.controller.js';
import { ApprovalsReader } from './approvals.reader.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { ApprovalsService } from './approvals.service.js';
import { ApprovalsStreamer } from './approvals.streamer.js';
import { GatedApprovals } from './gated-approvals.service.js';
import { KnownApprovalRules } from './known-approval-rules.js';
import { RuledRequests } from './ruled-requests.service.js';

/** Approvals: an action waits until someone else has looked at exactly that action. */
@Module({
  imports: [TypeOrmModule.forFeature([Approval, ApprovalLink, ApprovalRule]), AccessPolicyModule, AgentsModule, MfaModule, SessionsModule, UsersModule],
  controllers: [ApprovalsController, ApprovalRulesController, ApprovalLinksController, AgentApprovalsController],
  providers: [
    ApprovalsRepository, ApprovalsService, ApprovalsReader, ApprovalWaiters, ApprovalExpiry, ApprovalRequests, ApprovalDecisions, ApprovalGrants, ApprovalSeals, ApprovalLinks, ApprovalLinksRepository, ApprovalDeadlines, ApprovalsStreamer, ApprovalPeople,
    ApprovalRulesService, ApprovalRulesRepository, ApprovalPassesRepository, ApprovalRulings, ApprovalDryRuns, KnownApprovalRules, RuledRequests,
    { provide: ApprovalGate, useClass: GatedApprovals }, erasable({ ofAgents: APPROVAL_CONTENT }),
  ],
  exports: [ApprovalsReader, ApprovalGate],
})
export class ApprovalsModule {}
