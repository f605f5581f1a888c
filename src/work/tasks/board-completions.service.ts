import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BoardRulesService } from './board-rules.service.js';
import { type Completion, LeasesRepository } from './leases.repository.js';
import type { Task } from './task.entity.js';
import { TasksRepository } from './tasks.repository.js';

/**
 * Completes a task on a board: the task is held, the board's rules are asked, and the completion is written, all in one
 * transaction, so that an approval or a rule that comes in between waits for it.
 */
@Injectable()
export class BoardCompletionsService {
  constructor(
    private readonly tasks: TasksRepository,
    private readonly leases: LeasesRepository,
    private readonly rules: BoardRulesService,
  ) {}

  /**
   * @returns the task; undefined when its lease is no longer held
   * @throws Problem what the rules refuse: `approval_pending`, `comment_required`
   */
  @Transactional()
  async complete(tenantId: string, completion: Completion): Promise<Task | undefined> {
    const task = await this.tasks.lock(completion.taskId);
    if (!task || task.claimed_by !== completion.agentId || Number(task.fence) !== completion.fence) return undefined;
    const status = await this.rules.afterCompletion(task, completion.agentId);
    return this.leases.completeHere(tenantId, { ...completion, status, rulesAsked: true });
  }
}
