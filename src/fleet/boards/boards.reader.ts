import { Injectable } from '@nestjs/common';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
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

/** The tag of what is kept about the boards of an agent. */
export const boardsOfTag = (agentId: string): string => `boards-of:${agentId}`;

interface BoardsOfAgent {
  agentId: string;
  boards: ReadonlySet<string>;
}

/** The questions that other domains may ask about boards, of the context's tenant, in the caller's transaction. */
@Injectable()
export class BoardsReader {
  private readonly boardsOf: RevocableCache<BoardsOfAgent>;

  constructor(
    revocations: Revocations,
    private readonly context: RequestContext,
    private readonly boards: BoardsRepository,
    private readonly members: BoardAgentsRepository,
  ) {
    this.boardsOf = revocations.cache(
      (key) => this.load(key),
      ({ agentId }) => [boardsOfTag(agentId)],
    );
  }

  /** Whether there is such a board; it is not deleted until the transaction ends. */
  exists(id: string): Promise<boolean> {
    return this.boards.refer(this.context.tenantId, id);
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

  /** Like `hasAgent` without a transaction, from a cache that every change of membership clears in every process. */
  async isOnBoard(tenantId: string, boardId: string, agentId: string): Promise<boolean> {
    return (await this.boardsOf.get(`${tenantId}/${agentId}`))?.boards.has(boardId.toLowerCase()) ?? false;
  }

  private async load(key: string): Promise<BoardsOfAgent> {
    const [tenantId = '', agentId = ''] = key.split('/');
    return { agentId, boards: new Set(await this.members.boardIdsNow(tenantId, agentId)) };
  }
}
