import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import type { Page } from '../../core/page.js';
import { notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import type { BoardMemory } from './board-memory.entity.js';
import { BoardMemoryRepository } from './board-memory.repository.js';
import type { AddBoardMemoryDto, ListBoardMemoryQuery } from './boards.dto.js';
import { BoardMemoryAdded } from './boards.events.js';
import { BoardsReader } from './boards.reader.js';

/** What a board remembers. People reach every board, an agent those that it is on. */
@Injectable()
export class BoardMemoryService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: BoardMemoryRepository,
    private readonly boards: BoardsReader,
    private readonly events: Events,
    private readonly audit: AuditPort,
  ) {}

  @Transactional()
  async list(boardId: string, query: ListBoardMemoryQuery): Promise<Page<BoardMemory>> {
    await this.requireAccess(boardId);
    return this.repository.page(this.context.tenantId, boardId, query);
  }

  @Transactional()
  async add(boardId: string, dto: AddBoardMemoryDto): Promise<BoardMemory> {
    await this.requireAccess(boardId);
    const { tenantId, actor } = this.context;
    const memory = await this.repository.insert({
      id: newId(),
      tenant_id: tenantId,
      board_id: boardId,
      content: dto.content,
      tags: dto.tags ?? [],
      source: dto.source ?? null,
      author_kind: actor.kind,
      author_id: actor.id,
    });
    if (actor.kind !== 'agent') await this.audit.record({ action: 'board.memory.add', resource: { type: 'board', id: boardId }, detail: { memory_id: memory.id } });
    await this.events.publish(BoardMemoryAdded, { board_id: boardId, memory_id: memory.id });
    return memory;
  }

  /** @throws Problem `not_found` for a board that is not there, another tenant's, or not the agent's */
  @Transactional()
  async requireAccess(boardId: string): Promise<void> {
    const { actor } = this.context;
    const allowed = (await this.boards.exists(boardId)) && (actor.kind !== 'agent' || (await this.boards.hasAgent(boardId, actor.id)));
    if (!allowed) throw notFound('board');
  }
}
