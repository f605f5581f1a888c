import { Body, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { CallerWatch } from '../../platform/auth/caller-watch.js';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ApprovalGrants } from './approval-grants.service.js';
import { ApprovalWaiters } from './approval-waiters.js';
import { ApprovalQuery, RedeemApprovalDto, RequestOwnApprovalDto } from './approvals.dto.js';
import { ApprovalsService } from './approvals.service.js';
import { ApprovalView, toApprovalView } from './approvals.view.js';

@ApiController('agent/approvals', 'Work / Agent protocol')
export class AgentApprovalsController {
  constructor(
    private readonly approvals: ApprovalsService,
    private readonly grants: ApprovalGrants,
    private readonly waiters: ApprovalWaiters,
    private readonly callers: CallerWatch,
  ) {}

  /** Requests an approval for the calling agent. It covers exactly the action given here; a person decides. */
  @Post()
  @Operation({ id: 'requestAgentApproval', allow: 'agent:work', returns: ApprovalView, status: 201, problems: ['plan_limit_reached'] })
  async request(@Body() body: RequestOwnApprovalDto): Promise<ApprovalView> {
    return toApprovalView(await this.approvals.request(body));
  }

  /** Reads an approval of the calling agent. With wait_seconds the answer waits for the decision while it is pending. */
  @Get(':id')
  @Operation({ id: 'getAgentApproval', allow: 'agent:work', returns: ApprovalView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string, @Query() { wait_seconds }: ApprovalQuery, @Req() request: Request): Promise<ApprovalView> {
    return toApprovalView(await this.waiters.wait(id, wait_seconds, () => this.approvals.getOwn(id), await this.callers.watch(request)));
  }

  /**
   * Uses the grant of an approved request up. By the agent that it is for, which then does what was approved: it works once, for
   * exactly the action that was approved, before the grant runs out. Of several at once exactly one is answered with 200.
   */
  @Post(':id/redeem')
  @Operation({ id: 'redeemApproval', allow: 'agent:work', returns: ApprovalView, audited: true, problems: ['not_found', 'approval_not_given', 'grant_mismatch', 'grant_used', 'grant_expired', 'approval_broken'] })
  async redeem(@Param('id', Uuid) id: string, @Body() { action }: RedeemApprovalDto): Promise<ApprovalView> {
    return toApprovalView(await this.grants.redeem(id, action));
  }
}
