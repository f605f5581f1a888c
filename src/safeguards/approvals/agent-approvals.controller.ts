import { Body, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { CallerWatch } from '../../platform/auth/caller-watch.js';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ApprovalWaiters } from './approval-waiters.js';
import { ApprovalQuery, RequestOwnApprovalDto } from './approvals.dto.js';
import { ApprovalsService } from './approvals.service.js';
import { ApprovalView, toApprovalView } from './approvals.view.js';

@ApiController('agent/approvals', 'Work / Agent protocol')
export class AgentApprovalsController {
  constructor(
    private readonly approvals: ApprovalsService,
    private readonly waiters: ApprovalWaiters,
    private readonly callers: CallerWatch,
  ) {}

  /** Requests an approval for the calling agent. It covers exactly the action given here; a person decides. */
  @Post()
  @Operation({ id: 'requestAgentApproval', allow: 'agent:work', returns: ApprovalView, status: 201 })
  async request(@Body() body: RequestOwnApprovalDto): Promise<ApprovalView> {
    return toApprovalView(await this.approvals.request(body));
  }

  /** Reads an approval of the calling agent. With wait_seconds the answer waits for the decision while it is pending. */
  @Get(':id')
  @Operation({ id: 'getAgentApproval', allow: 'agent:work', returns: ApprovalView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string, @Query() { wait_seconds }: ApprovalQuery, @Req() request: Request): Promise<ApprovalView> {
    return toApprovalView(await this.waiters.wait(id, wait_seconds, () => this.approvals.getOwn(id), await this.callers.watch(request)));
  }
}
