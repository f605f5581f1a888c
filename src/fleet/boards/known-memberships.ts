import { Injectable } from '@nestjs/common';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { BoardAgentsRepository } from './board-agents.repository.js';

interface BoardsOfAgent {
  agentId: string;
  boards: ReadonlySet<string>;
}

const tagOf = (agentId: string): string => `boards-of:${agentId}`;

/** Which boards an agent is on, from memory: heartbeats ask often, and what changes is forgotten in every process. */
@Injectable()
export class KnownMemberships {
  private readonly cache: RevocableCache<BoardsOfAgent>;

  constructor(
    private readonly revocations: Revocations,
    private readonly members: BoardAgentsRepository,
  ) {
    this.cache = revocations.cache(
      (key) => this.load(key),
      ({ agentId }) => [tagOf(agentId)],
    );
  }

  async has(tenantId: string, boardId: string, agentId: string): Promise<boolean> {
    return (await this.cache.get(`${tenantId}/${agentId}`))?.boards.has(boardId.toLowerCase()) ?? false;
  }

  /** Call in the transaction that changes an agent's boards. */
  forgetAfterCommit(agentId: string): void {
    this.revocations.afterCommit(tagOf(agentId));
  }

  private async load(key: string): Promise<BoardsOfAgent> {
    const [tenantId = '', agentId = ''] = key.split('/');
    return { agentId, boards: new Set(await this.members.boardIdsNow(tenantId, agentId)) };
  }
}
