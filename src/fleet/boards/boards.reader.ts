import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import type { Board } from './board.entity.js';
import { BoardAgentsRepository } from './board-agents.repository.js';
import { BoardsRepository } from './boards.repository.js';

/** The rules of a board, as they act on its tasks. */
export type BoardRules = Pick<
  Board,
  | 'require_approval_for_done'
  | 'require_review_before_done'
  | 'comment_required_for_review'
  | 'block_status_changes_with_pending_approval'
  | 'only_lead_can_change_status'
  | 'max_agents'
  | 'lead_agent_id'
>;

/** The questions that other domains may ask about boards, of the context's tenant, in the caller's transaction. */
@Injectable()
export class BoardsReader {
  constructor(
    private readonly context: RequestContext,
    private readonly boards: BoardsRepository,
    private readonly members: BoardAgentsRepository,
  ) {}

  /** Whether there is such a board; it is not deleted until the transaction ends. */
  exists(id: string): Promise<boolean> {
    return this.boards.refer(this.context.tenantId, id);
  }

  /** Those of the boards that there are. */
  existing(ids: readonly string[]): Promise<Set<string>> {
    return this.boards.existing(this.context.tenantId, ids);
  }

  /** The rules of a board; undefined when there is none, or no longer. */
  async rulesOf(id: string): Promise<BoardRules | undefined> {
    return (await this.boards.find(this.context.tenantId, id)) ?? undefined;
  }

  hasAgent(boardId: string, agentId: string): Promise<boolean> {
    return this.members.has(this.context.tenantId, boardId, agentId);
  }

  boardIdsOf(agentId: string): Promise<string[]> {
    return this.members.boardIds(this.context.tenantId, agentId);
  }
}
