import { Body, Delete, Get, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, EVENT_STREAM, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { DeadLettersService } from './dead-letters.service.js';
import { TaskCommentsService } from './task-comments.service.js';
import { TaskCreationService } from './task-creation.service.js';
import { TaskStreamService } from './task-stream.service.js';
import { ListTasksQuery, StreamTasksQuery } from './task-queries.dto.js';
import { CancelTaskDto, CreateCommentDto, CreateTaskDto, UpdateTaskDto } from './tasks.dto.js';
import { TasksService } from './tasks.service.js';
import { TaskCommentView, TaskDetailView, TaskStatsView, TaskView, toCommentView, toTaskDetailView, toTaskView } from './tasks.view.js';

@ApiController('tasks', 'Work / Tasks')
export class TasksController {
  constructor(
    private readonly tasks: TasksService,
    private readonly creation: TaskCreationService,
    private readonly letters: DeadLettersService,
    private readonly comments: TaskCommentsService,
    private readonly stream: TaskStreamService,
  ) {}

  /** Lists tasks. Newest first; filters combine. */
  @Get()
  @Operation({ id: 'listTasks', allow: 'task:read', returns: pageOf(TaskView) })
  async list(@Query() query: ListTasksQuery): Promise<Page<TaskView>> {
    return mapPage(await this.tasks.list(query), toTaskView);
  }

  /** Creates a task. It is queued at once unless it is kept in the inbox or depends on tasks that are not completed. */
  @Post()
  @Operation({ id: 'createTask', allow: 'task:write', returns: TaskView, status: 201, problems: ['plan_limit_reached'] })
  async create(@Body() body: CreateTaskDto): Promise<TaskView> {
    return toTaskView(await this.creation.create(body));
  }

  /** Counts tasks. By status and by priority, with the age of the oldest that is ready. */
  @Get('stats')
  @Operation({ id: 'getTaskStats', allow: 'task:read', returns: TaskStatsView })
  async stats(): Promise<TaskStatsView> {
    const stats = await this.tasks.stats();
    return { total: Object.values(stats.by_status).reduce((sum, count) => sum + count, 0), ...stats };
  }

  /** Follows tasks. A stream of server-sent events task.created, task.updated, task.completed and task.failed; Last-Event-ID resumes it. In their data agent_id is the agent that the task is meant for, holder_id the one that holds it or held it until then. */
  @Get('stream')
  @Operation({ id: 'streamTasks', allow: 'task:read', returns: EVENT_STREAM })
  async follow(@Query() query: StreamTasksQuery, @Req() request: Request, @Res() response: Response): Promise<void> {
    await this.stream.open(query, request, response);
  }

  /** Reads a task. With its result, its dependencies and parts, and every attempt that has ended. */
  @Get(':id')
  @Operation({ id: 'getTask', allow: 'task:read', returns: TaskDetailView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<TaskDetailView> {
    return toTaskDetailView(await this.tasks.get(id));
  }

  /** Changes a task. Fields, or its status as far as people set it by hand; the board's rules hold. */
  @Patch(':id')
  @Operation({ id: 'updateTask', allow: 'task:write', returns: TaskView, problems: ['not_found', 'task_final', 'invalid_transition', 'precondition_failed', 'approval_pending', 'approval_required', 'dependency_cycle'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateTaskDto): Promise<TaskView> {
    return toTaskView(body.action === 'retry' ? await this.letters.retryTask(id) : await this.tasks.update(id, body));
  }

  /** Cancels a task that waits. One that an agent works on is cancelled with POST /tasks/{id}/cancel. */
  @Delete(':id')
  @Operation({ id: 'cancelPendingTask', allow: 'task:write', returns: TaskView, problems: ['not_found', 'task_final', 'invalid_transition', 'precondition_failed', 'approval_pending'] })
  async remove(@Param('id', Uuid) id: string): Promise<TaskView> {
    return toTaskView(await this.tasks.cancelPending(id));
  }

  /** Stops a task that has not ended. Its lease, if any, is taken back at once. */
  @Post(':id/cancel')
  @Operation({ id: 'cancelTask', allow: 'task:write', returns: TaskView, problems: ['not_found', 'task_final', 'approval_pending'] })
  async cancel(@Param('id', Uuid) id: string, @Body() body: CancelTaskDto): Promise<TaskView> {
    return toTaskView(await this.tasks.cancel(id, body.reason));
  }

  /** Lists the comments on a task. Newest first. */
  @Get(':id/comments')
  @Operation({ id: 'listTaskComments', allow: 'task:read', returns: pageOf(TaskCommentView), problems: ['not_found'] })
  async listComments(@Param('id', Uuid) id: string, @Query() query: PageQuery): Promise<Page<TaskCommentView>> {
    return mapPage(await this.comments.list(id, query), toCommentView);
  }

  /** Comments on a task. Agents that hold or may see the task read it too. */
  @Post(':id/comments')
  @Operation({ id: 'createTaskComment', allow: 'task:write', returns: TaskCommentView, status: 201, problems: ['not_found'] })
  async comment(@Param('id', Uuid) id: string, @Body() body: CreateCommentDto): Promise<TaskCommentView> {
    return toCommentView(await this.comments.add(id, body.body));
  }
}
