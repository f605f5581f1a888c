import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BoardRulesService } from './board-rules.service.js';
import type { Task } from './task.entity.js';

/** Asks a board's rules where an agent's completion leads, in a transaction of its own. */
@Injectable()
export class CompletionRulesService {
  constructor(private readonly rules: BoardRulesService) {}

  /** @throws Problem what the rules refuse: `approval_pending`, `comment_required` */
  @Transactional()
  async targetOf(task: Pick<Task, 'id' | 'tenant_id' | 'board_id'>, agentId: string): Promise<'completed' | 'review'> {
    return this.rules.afterCompletion(task, agentId);
  }
}
