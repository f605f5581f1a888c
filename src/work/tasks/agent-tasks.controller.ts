import { Body, Get, Param, Patch, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { mapPage, type Page } from '../../core/page.js';
import { Problem } from '../../core/problem.js';
import { CallerWatch } from '../../platform/auth/caller-watch.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { AgentTasksService } from './agent-tasks.service.js';
import { ClaimTasksService } from './claim-tasks.service.js';
import { clientGone } from './client-gone.js';
import { CompleteTaskDto, CompleteTasksDto, FailTaskDto, ReleaseTaskDto, RenewLeaseDto, UpdateTaskStatusDto } from './leases.dto.js';
import { LeasesService } from './leases.service.js';
import { ClaimView, CompletedItemsView, RenewedLeaseView, toClaimView, toCompletedItem, toRenewedView } from './leases.view.js';
import { TaskCommentsService } from './task-comments.service.js';
import { ListBoardTasksQuery } from './task-queries.dto.js';
import { ClaimTasksDto, CreateCommentDto, CreateTaskDto } from './tasks.dto.js';
import { TaskCommentView, TaskDetailView, TaskView, toCommentView, toTaskDetailView, toTaskView } from './tasks.view.js';

@ApiController('agent', 'Work / Agent protocol')
export class AgentTasksController {
  constructor(
    private readonly claims: ClaimTasksService,
    private readonly leases: LeasesService,
    private readonly tasks: AgentTasksService,
    private readonly comments: TaskCommentsService,
    private readonly callers: CallerWatch,
  ) {}

  /** Claims tasks. The most urgent and oldest that this agent may take, each under a lease; waits for one when asked to. */
  @Post('tasks/claim')
  @Operation({ id: 'claimTasks', allow: 'agent:work', returns: ClaimView, idempotency: 'outside', problems: ['agent_killed', 'agent_inactive', 'circuit_open'] })
  async claim(@Body() body: ClaimTasksDto, @Req() request: Request): Promise<ClaimView> {
    return toClaimView(await this.claims.claim(body, body.wait_seconds > 0 ? await this.callers.watch(request) : clientGone(request)));
  }

  /** Completes several tasks. Each under its own fence and for itself; the answer says of each how it went. */
  @Post('tasks/complete')
  @Operation({ id: 'completeTasks', allow: 'agent:work', returns: CompletedItemsView, idempotency: 'outside', problems: ['agent_killed', 'agent_inactive'] })
  async completeMany(@Body() body: CompleteTasksDto, @Req() request: Request): Promise<CompletedItemsView> {
    const outcomes = await this.leases.completeMany(body.items);
    return { items: body.items.map(({ id }, index) => toCompletedItem(id, outcomes[index] ?? new Problem('internal'), request.headers['x-request-id'])) };
  }

  /** Creates a task. As on the users' side; on a board only when this agent is on it, and after or below tasks only that it may read. */
  @Post('tasks')
  @Operation({ id: 'agentCreateTask', allow: 'agent:work', returns: TaskView, status: 201, problems: ['not_found', 'plan_limit_reached'] })
  async create(@Body() body: CreateTaskDto): Promise<TaskView> {
    return toTaskView(await this.tasks.create(body));
  }

  /** Reads a task. One that is this agent's, that it holds or made, or that is on one of its boards. */
  @Get('tasks/:id')
  @Operation({ id: 'agentGetTask', allow: 'agent:work', returns: TaskDetailView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<TaskDetailView> {
    return toTaskDetailView(await this.tasks.get(id));
  }

  /** Sets the status of a board's task. For finishing a review or letting an inbox task go; the board's rules hold. */
  @Patch('tasks/:id')
  @Operation({ id: 'agentUpdateTaskStatus', allow: 'agent:work', returns: TaskView, problems: ['not_found', 'lead_only', 'approval_pending', 'approval_required', 'invalid_transition', 'task_final', 'precondition_failed'] })
  async setStatus(@Param('id', Uuid) id: string, @Body() body: UpdateTaskStatusDto): Promise<TaskView> {
    return toTaskView(await this.tasks.setStatus(id, body.status));
  }

  /** Extends a lease. And tells what waits for the agent: pause, resume, kill, rotate_token. */
  @Post('tasks/:id/renew')
  @Operation({ id: 'renewLease', allow: 'agent:work', returns: RenewedLeaseView, idempotency: 'outside', problems: ['not_found', 'lease_lost', 'agent_killed', 'agent_inactive'] })
  async renew(@Param('id', Uuid) id: string, @Body() body: RenewLeaseDto): Promise<RenewedLeaseView> {
    return toRenewedView(await this.leases.renew(id, body));
  }

  /** Completes a task. The same call again under the same fence gives the same answer. */
  @Post('tasks/:id/complete')
  @Operation({ id: 'completeTask', allow: 'agent:work', returns: TaskView, idempotency: 'outside', problems: ['not_found', 'lease_lost', 'comment_required', 'approval_pending', 'agent_killed', 'agent_inactive'] })
  async complete(@Param('id', Uuid) id: string, @Body() body: CompleteTaskDto): Promise<TaskView> {
    return toTaskView(await this.leases.complete(id, body));
  }

  /** Fails a task. It is queued again after a growing delay while it has retries left, else it becomes a dead letter. */
  @Post('tasks/:id/fail')
  @Operation({ id: 'failTask', allow: 'agent:work', returns: TaskView, idempotency: 'outside', problems: ['not_found', 'lease_lost', 'agent_killed', 'agent_inactive'] })
  async fail(@Param('id', Uuid) id: string, @Body() body: FailTaskDto): Promise<TaskView> {
    return toTaskView(await this.leases.fail(id, body));
  }

  /** Gives a task back. It is queued at once and the attempt is not counted. */
  @Post('tasks/:id/release')
  @Operation({ id: 'releaseTask', allow: 'agent:work', returns: TaskView, idempotency: 'outside', problems: ['not_found', 'lease_lost', 'agent_killed', 'agent_inactive'] })
  async release(@Param('id', Uuid) id: string, @Body() body: ReleaseTaskDto): Promise<TaskView> {
    return toTaskView(await this.leases.release(id, body.fence));
  }

  /** Lists the comments on a task. Newest first. */
  @Get('tasks/:id/comments')
  @Operation({ id: 'agentListTaskComments', allow: 'agent:work', returns: pageOf(TaskCommentView), problems: ['not_found'] })
  async listComments(@Param('id', Uuid) id: string, @Query() query: PageQuery): Promise<Page<TaskCommentView>> {
    return mapPage(await this.comments.list(id, query), toCommentView);
  }

  /** Comments on a task. One that this agent may see. */
  @Post('tasks/:id/comments')
  @Operation({ id: 'agentCreateTaskComment', allow: 'agent:work', returns: TaskCommentView, status: 201, problems: ['not_found'] })
  async comment(@Param('id', Uuid) id: string, @Body() body: CreateCommentDto): Promise<TaskCommentView> {
    return toCommentView(await this.comments.add(id, body.body));
  }

  /** Lists a board's tasks. For an agent that is on the board. */
  @Get('boards/:id/tasks')
  @Operation({ id: 'agentListBoardTasks', allow: 'agent:work', returns: pageOf(TaskView), problems: ['not_found'] })
  async listBoard(@Param('id', Uuid) id: string, @Query() query: ListBoardTasksQuery): Promise<Page<TaskView>> {
    return mapPage(await this.tasks.listBoard(id, query), toTaskView);
  }
}
