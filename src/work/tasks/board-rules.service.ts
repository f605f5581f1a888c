import { Injectable } from '@nestjs/common';
import type { Actor } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { type BoardRules, BoardsReader } from '../../fleet/boards/boards.reader.js';
import { ApprovalGate } from '../../safeguards/approvals/approval-gate.port.js';
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
 * - *approval for done*: nothing is completed without an approved approval; an agent's completion asks for one and waits in review.
 *   A rule of the tenant for `task.complete` asks for the same.
 */
@Injectable()
export class BoardRulesService {
  constructor(
    private readonly boards: BoardsReader,
    private readonly approvals: ApprovalsReader,
    private readonly gate: ApprovalGate,
    private readonly comments: TaskCommentsRepository,
  ) {}

  /**
   * Where an agent's completion leads.
   * @throws Problem `approval_pending` or `comment_required`
   */
  async afterCompletion(task: Pick<Task, 'id' | 'tenant_id' | 'board_id' | 'title'>, agentId: string): Promise<'completed' | 'review'> {
    const rules = await this.rulesOf(task);
    if (!rules) return 'completed';
    const approvals = await this.approvals.stateForTask(task.id);
    this.refuseWhilePending(rules, approvals);
    const needsApproval = await this.needsApproval(task, rules, approvals, agentId);
    const toReview = rules.require_review_before_done || (rules.only_lead_can_change_status && rules.lead_agent_id !== agentId) || needsApproval;
    if (!toReview) return 'completed';
    await this.requireComment(rules, task);
    return 'review';
  }

  /**
   * Whether a person or an agent may set this status by hand.
   * @throws Problem `approval_pending`, `lead_only`, `approval_required`
   */
  async checkStatusChange(task: Pick<Task, 'id' | 'tenant_id' | 'board_id' | 'title'>, to: Task['status'], actor: Actor): Promise<void> {
    const rules = await this.rulesOf(task);
    if (!rules) return;
    const approvals = await this.approvals.stateForTask(task.id);
    this.refuseWhilePending(rules, approvals);
    if (actor.kind === 'agent' && rules.only_lead_can_change_status && rules.lead_agent_id !== actor.id) throw new Problem('lead_only');
    if (to === 'completed' && (await this.needsApproval(task, rules, approvals, actor.kind === 'agent' ? actor.id : undefined))) throw new Problem('approval_required');
  }

  /**
   * Whether the task may not be completed yet, because the board or a rule for `task.complete` asks for an approval and none was given.
   * When an agent completes it, one is requested with that.
   */
  private async needsApproval(task: Pick<Task, 'id' | 'board_id' | 'title'>, rules: BoardRules, approvals: { pending: number; approved: number; completion: number }, agentId: string | undefined): Promise<boolean> {
    // To a board any approval of the task will do; a rule is about completing it, and so must be what satisfies it.
    if ((rules.require_approval_for_done ? approvals.approved : approvals.completion) > 0) return false;
    if (rules.require_approval_for_done && approvals.pending > 0) return true;
    const { state } = await this.gate.ask({
      action: { kind: 'task.complete', arguments: { task_id: task.id } },
      title: `Complete the task: ${task.title}`.slice(0, 500),
      agentId,
      taskId: task.id,
      source: { kind: 'task', id: task.id },
      ...(rules.require_approval_for_done ? { require: {} } : {}),
      facts: task.board_id ? { board_id: task.board_id } : {},
    });
    return state !== 'allowed' && state !== 'approved';
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
