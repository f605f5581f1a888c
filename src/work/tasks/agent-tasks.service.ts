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

  /** A task on a board only by an agent that is on it. @throws Problem `not_found` */
  async create(request: CreateTaskDto): Promise<Task> {
    return request.board_id ? this.createOnBoard(request, request.board_id) : this.creation.create(request);
  }

  @Transactional()
  private async createOnBoard(request: CreateTaskDto, boardId: string): Promise<Task> {
    await this.references.requireOnBoard(boardId, this.context.actor.id);
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
