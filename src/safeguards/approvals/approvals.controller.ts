import { Body, Get, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { mapPage, type Page } from '../../core/page.js';
import { CallerWatch } from '../../platform/auth/caller-watch.js';
import { Config } from '../../platform/config/config.js';
import { ApiController, EVENT_STREAM, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ApprovalLinks } from './approval-links.service.js';
import { ApprovalLinksView, toLinksView } from './approval-links.view.js';
import { ApprovalWaiters } from './approval-waiters.js';
import { ApprovalQuery, ApprovalsQuery, DecideApprovalDto, MakeApprovalLinksDto, RequestApprovalDto, UpdateApprovalDto } from './approvals.dto.js';
import { ApprovalsService } from './approvals.service.js';
import { ApprovalsStreamer } from './approvals.streamer.js';
import { ApprovalView, toApprovalView } from './approvals.view.js';

const DECIDING = ['not_found', 'approval_decided', 'self_approval', 'not_approver', 'approval_voted', 'approval_broken'] as const;

@ApiController('approvals', 'Safeguards / Approvals')
export class ApprovalsController {
  constructor(
    private readonly approvals: ApprovalsService,
    private readonly links: ApprovalLinks,
    private readonly config: Config,
    private readonly streamer: ApprovalsStreamer,
    private readonly waiters: ApprovalWaiters,
    private readonly callers: CallerWatch,
  ) {}

  /** Requests an approval. It covers exactly the action given here, by the hash of its canonical JSON. */
  @Post()
  @Operation({ id: 'requestApproval', allow: 'approval:write', returns: ApprovalView, status: 201, problems: ['plan_limit_reached'] })
  async request(@Body() body: RequestApprovalDto): Promise<ApprovalView> {
    return toApprovalView(await this.approvals.request(body));
  }

  /** Lists approvals. Newest first; those that wait for a decision, unless status says otherwise. */
  @Get()
  @Operation({ id: 'listApprovals', allow: 'approval:read', returns: pageOf(ApprovalView) })
  async list(@Query() { limit, offset, cursor, ...filter }: ApprovalsQuery): Promise<Page<ApprovalView>> {
    return mapPage(await this.approvals.list(filter, { limit, offset, cursor }), toApprovalView);
  }

  /**
   * Streams what happens to approvals. Server-sent events: `ready` once, then `approval.requested`, `approval.progressed`, `approval.escalated`,
   * `approval.decided` and `approval.redeemed`, each with the approval as it is now, and `end` with a reason. A client that reconnects with
   * `Last-Event-ID` misses nothing.
   */
  @Get('stream')
  @Operation({ id: 'streamApprovals', allow: 'approval:read', returns: EVENT_STREAM })
  async stream(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.streamer.open(request, response);
  }

  /** Reads an approval. With wait_seconds the answer waits for the decision while it is pending. */
  @Get(':id')
  @Operation({ id: 'getApproval', allow: 'approval:read', returns: ApprovalView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string, @Query() { wait_seconds }: ApprovalQuery, @Req() request: Request): Promise<ApprovalView> {
    return toApprovalView(await this.waiters.wait(id, wait_seconds, () => this.approvals.get(id), await this.callers.watch(request)));
  }

  /**
   * Approves. Never the requester, and only while it is pending; each person once. With min_approvals it stays pending until so many
   * different people have. What is approved may be done once, exactly as it was asked for: see redeem.
   */
  @Post(':id/approve')
  @Operation({ id: 'approveApproval', allow: 'approval:decide', returns: ApprovalView, problems: DECIDING })
  async approve(@Param('id', Uuid) id: string, @Body() { note }: DecideApprovalDto): Promise<ApprovalView> {
    return toApprovalView(await this.approvals.decide(id, 'approved', note));
  }

  /** Rejects. Never the requester, and only while it is pending; one who rejects is enough. */
  @Post(':id/reject')
  @Operation({ id: 'rejectApproval', allow: 'approval:decide', returns: ApprovalView, problems: DECIDING })
  async reject(@Param('id', Uuid) id: string, @Body() { note }: DecideApprovalDto): Promise<ApprovalView> {
    return toApprovalView(await this.approvals.decide(id, 'rejected', note));
  }

  /** Decides. The same as approve and reject, with the decision in the body. */
  @Patch(':id')
  @Operation({ id: 'updateApproval', allow: 'approval:decide', returns: ApprovalView, problems: [...DECIDING, 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() { status, reviewer_note }: UpdateApprovalDto): Promise<ApprovalView> {
    return toApprovalView(await this.approvals.decide(id, status, reviewer_note));
  }

  /**
   * Makes two links for the caller: one approves, one rejects. Each works once, without signing in, for the caller alone. Where a second
   * factor is asked of the account, a link works only if it was made in a session with one.
   */
  @Post(':id/links')
  @Operation({ id: 'createApprovalLinks', allow: 'approval:decide', returns: ApprovalLinksView, idempotency: 'none', problems: ['not_found', 'approval_decided', 'self_approval', 'not_approver', 'approval_voted'] })
  async makeLinks(@Param('id', Uuid) id: string, @Body() { expires_in_seconds }: MakeApprovalLinksDto): Promise<ApprovalLinksView> {
    return toLinksView(id, await this.links.make(id, expires_in_seconds), this.config.get('PUBLIC_URL'));
  }
}
