import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { notFound } from '../../core/problem.js';
import { BoardsReader } from '../../fleet/boards/boards.reader.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { Task } from './task.entity.js';

/** Which tasks an agent may see: its own, those it holds or made, and those on its boards. People see all of the tenant. */
@Injectable()
export class AgentTasksAccess {
  constructor(
    private readonly context: RequestContext,
    private readonly boards: BoardsReader,
  ) {}

  /** @throws Problem `not_found` for an agent that may not see the task */
  async check(task: Task): Promise<void> {
    const { actor } = this.context;
    if (actor.kind !== 'agent') return;
    if (task.agent_id === actor.id || task.claimed_by === actor.id || task.created_by_id === actor.id) return;
    if (task.board_id && (await this.isOn(task.board_id, actor.id))) return;
    throw notFound('task');
  }

  @Transactional()
  private isOn(boardId: string, agentId: string): Promise<boolean> {
    return this.boards.hasAgent(boardId, agentId);
  }
}
