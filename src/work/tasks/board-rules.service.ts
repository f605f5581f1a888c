import { Injectable } from '@nestjs/common';
import type { Actor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { type BoardRules, BoardsReader } from '../../fleet/boards/boards.reader.js';
import { ApprovalsReader } from '../../safeguards/approvals/approvals.reader.js';
import type { Task } from './task.entity.js';
import { TaskCommentsRepository } from './task-comments.repository.js';

/**
 * The rules of a board, as they act on its tasks. A task without a board has none.
 *
 * - *block while an approval is pending*: no status change at all until the approval is decided.
 * - *only the lead changes status*: another agent's completion ends in review; the lead or a person finishes it.
 * - *review before done*: every agent's completion ends in review.
 * - *comment for review*: nothing enters review without a comment.
 * - *approval for done*: nothing is completed without an approved approval; an agent's completion waits in review.
 */
@Injectable()
export class BoardRulesService {
  constructor(
    private readonly boards: BoardsReader,
    private readonly approvals: ApprovalsReader,
    private readonly comments: TaskCommentsRepository,
  ) {}

  /**
   * Where an agent's completion leads.
   * @throws Problem `approval_pending` or `comment_required`
   */
  async afterCompletion(task: Pick<Task, 'id' | 'tenant_id' | 'board_id'>, agentId: string): Promise<'completed' | 'review'> {
    const rules = await this.rulesOf(task);
    if (!rules) return 'completed';
    const approvals = await this.approvals.stateForTask(task.id);
    this.refuseWhilePending(rules, approvals);
    const toReview =
      rules.require_review_before_done ||
      (rules.only_lead_can_change_status && rules.lead_agent_id !== agentId) ||
      (rules.require_approval_for_done && approvals.approved === 0);
    if (!toReview) return 'completed';
    await this.requireComment(rules, task);
    return 'review';
  }

  /**
   * Whether a person or an agent may set this status by hand.
   * @throws Problem `approval_pending`, `lead_only`, `approval_required`
   */
  async checkStatusChange(task: Pick<Task, 'id' | 'tenant_id' | 'board_id'>, to: Task['status'], actor: Actor): Promise<void> {
    const rules = await this.rulesOf(task);
    if (!rules) return;
    const approvals = await this.approvals.stateForTask(task.id);
    this.refuseWhilePending(rules, approvals);
    if (actor.kind === 'agent' && rules.only_lead_can_change_status && rules.lead_agent_id !== actor.id) throw new Problem('lead_only');
    if (to === 'completed' && rules.require_approval_for_done && approvals.approved === 0) throw new Problem('approval_required');
  }

  private async rulesOf(task: Pick<Task, 'board_id'>): Promise<BoardRules | undefined> {
    return task.board_id ? this.boards.rulesOf(task.board_id) : undefined;
  }

  private refuseWhilePending(rules: BoardRules, approvals: { pending: number }): void {
    if (rules.block_status_changes_with_pending_approval && approvals.pending > 0) throw new Problem('approval_pending', { current: approvals.pending, limit: 0 });
  }

  private async requireComment(rules: BoardRules, task: Pick<Task, 'id' | 'tenant_id'>): Promise<void> {
    if (rules.comment_required_for_review && (await this.comments.count(task.tenant_id, task.id)) === 0) throw new Problem('comment_required');
  }
}
