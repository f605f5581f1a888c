import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { invalidField, notFound } from '../../core/problem.js';
import { BoardsReader } from '../../fleet/boards/boards.reader.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { Task } from './task.entity.js';
import { TasksRepository } from './tasks.repository.js';

type Owners = Pick<Task, 'agent_id' | 'claimed_by' | 'created_by_id' | 'board_id'>;

/** Which tasks an agent may see: its own, those it holds or made, and those on its boards. People see all of the tenant. */
@Injectable()
export class AgentTasksAccess {
  constructor(
    private readonly context: RequestContext,
    private readonly boards: BoardsReader,
    private readonly repository: TasksRepository,
  ) {}

  /** @throws Problem `not_found` for an agent that may not see the task */
  async check(task: Task): Promise<void> {
    const { actor } = this.context;
    if (actor.kind !== 'agent') return;
    if (isOwn(task, actor.id)) return;
    if (task.board_id && (await this.isOn(task.board_id, actor.id))) return;
    throw notFound('task');
  }

  /**
   * For a task that the agent makes, in the running transaction.
   * @throws Problem `invalid_request` that names the task that it points to and the agent may not see, as for an absent one
   */
  async checkReferences(tenantId: string, { parent_task_id, depends_on }: { parent_task_id?: string; depends_on?: readonly string[] }): Promise<void> {
    const named = (depends_on ?? []).map((id, index) => ({ field: `depends_on.${index}`, id: id.toLowerCase() }));
    if (parent_task_id) named.push({ field: 'parent_task_id', id: parent_task_id.toLowerCase() });
    if (named.length === 0) return;
    const { actor } = this.context;
    const boards = new Set(await this.boards.boardIdsOf(actor.id));
    const owners = await this.repository.ownersOf(tenantId, named.map(({ id }) => id));
    const seen = new Set(owners.filter((task) => isOwn(task, actor.id) || (task.board_id !== null && boards.has(task.board_id))).map(({ id }) => id));
    const unseen = named.find(({ id }) => !seen.has(id));
    if (unseen) throw invalidField(unseen.field, 'not_found', 'is no task');
  }

  @Transactional()
  private isOn(boardId: string, agentId: string): Promise<boolean> {
    return this.boards.hasAgent(boardId, agentId);
  }
}

const isOwn = (task: Owners, agentId: string): boolean => task.agent_id === agentId || task.claimed_by === agentId || task.created_by_id === agentId;
