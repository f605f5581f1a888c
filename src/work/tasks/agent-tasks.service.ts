import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page } from '../../core/page.js';
import { notFound } from '../../core/problem.js';
import { BoardsReader } from '../../fleet/boards/boards.reader.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { AgentTasksAccess } from './agent-tasks-access.js';
import type { Task } from './task.entity.js';
import { TaskCreationService } from './task-creation.service.js';
import { TaskReadsRepository } from './task-reads.repository.js';
import { TaskReferencesService } from './task-references.service.js';
import type { ListBoardTasksQuery } from './task-queries.dto.js';
import type { CreateTaskDto } from './tasks.dto.js';
import { TasksService } from './tasks.service.js';
import type { TaskDetails } from './tasks.view.js';

/** What agents do with tasks besides working on them: making, reading, listing a board's, finishing a review. */
@Injectable()
export class AgentTasksService {
  constructor(
    private readonly context: RequestContext,
    private readonly tasks: TasksService,
    private readonly creation: TaskCreationService,
    private readonly reads: TaskReadsRepository,
    private readonly references: TaskReferencesService,
    private readonly access: AgentTasksAccess,
    private readonly boards: BoardsReader,
  ) {}

  /** A task on a board only by an agent that is on it, after and below tasks that it may see. @throws Problem `not_found`, `invalid_request` */
  async create(request: CreateTaskDto): Promise<Task> {
    const pointsToOthers = request.board_id || request.parent_task_id || (request.depends_on?.length ?? 0) > 0;
    return pointsToOthers ? this.createBeside(request) : this.creation.create(request);
  }

  @Transactional()
  private async createBeside(request: CreateTaskDto): Promise<Task> {
    const { tenantId, actor } = this.context;
    if (request.board_id) await this.references.requireOnBoard(request.board_id, actor.id);
    await this.access.checkReferences(tenantId, request);
    return this.creation.create(request);
  }

  /** @throws Problem `not_found`, also for a task the agent may not see */
  async get(id: string): Promise<TaskDetails> {
    const details = await this.tasks.get(id);
    await this.access.check(details.task);
    return details;
  }

  /** @throws Problem `not_found` for a board the agent is not on */
  async listBoard(boardId: string, query: ListBoardTasksQuery): Promise<Page<Task>> {
    await this.requireOnBoard(boardId);
    return this.reads.page(this.context.tenantId, { ...query, board_id: boardId });
  }

  /**
   * Sets the status of a task on one of the agent's boards, as the board's rules allow.
   * @throws Problem `not_found`, `lead_only`, `approval_pending`, `approval_required`, `invalid_transition`
   */
  @Transactional()
  async setStatus(id: string, status: 'inbox' | 'queued' | 'completed'): Promise<Task> {
    const task = await this.tasks.lock(id);
    if (!task.board_id || !(await this.boards.hasAgent(task.board_id, this.context.actor.id))) throw notFound('task');
    return this.tasks.setStatus(task, status);
  }

  @Transactional()
  private async requireOnBoard(boardId: string): Promise<void> {
    await this.references.requireOnBoard(boardId, this.context.actor.id);
  }
}
