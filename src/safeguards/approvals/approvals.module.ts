import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { erasable } from '../../platform/erasure/erasable.js';
import { AgentApprovalsController } from './agent-approvals.controller.js';
import { Approval } from './approval.entity.js';
import { ApprovalExpiry } from './approval-expiry.js';
import { ApprovalWaiters } from './approval-waiters.js';
import { APPROVAL_CONTENT } from './approvals.erasure.js';
import { ApprovalsController } from './approvals.controller.js';
import { ApprovalsReader } from './approvals.reader.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { ApprovalsService } from './approvals.service.js';

/** Approvals: an action waits until someone else has looked at exactly that action. */
@Module({
  imports: [TypeOrmModule.forFeature([Approval])],
  controllers: [ApprovalsController, AgentApprovalsController],
  providers: [ApprovalsRepository, ApprovalsService, ApprovalsReader, ApprovalWaiters, ApprovalExpiry, erasable({ ofAgents: APPROVAL_CONTENT })],
  exports: [ApprovalsReader],
})
export class ApprovalsModule {}
