import { Injectable } from '@nestjs/common';
import type { Page } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { BoardMemory } from './board-memory.entity.js';
import type { ListBoardMemoryQuery } from './boards.dto.js';

/** Rows of `board_memory`. */
@Injectable()
export class BoardMemoryRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: TenantDatabase,
  ) {}

  page(tenantId: string, boardId: string, query: ListBoardMemoryQuery): Promise<Page<BoardMemory>> {
    const rows = this.sql.manager.createQueryBuilder(BoardMemory, 'memory').where('memory.tenant_id = :tenantId and memory.board_id = :boardId', { tenantId, boardId });
    if (query.tag !== undefined) rows.andWhere(':tag = any(memory.tags)', { tag: query.tag });
    return pageOfQuery(rows, query);
  }

  async insert(memory: Omit<BoardMemory, 'created_at'>): Promise<BoardMemory> {
    const result = await this.sql.manager.createQueryBuilder().insert().into(BoardMemory).values(memory).returning('*').execute();
    return (result.raw as [BoardMemory])[0];
  }

  /** For streams, which live longer than any transaction. */
  findMany(tenantId: string, ids: readonly string[]): Promise<BoardMemory[]> {
    return this.database.statement<BoardMemory>(tenantId, 'select * from board_memory where tenant_id = $1 and id = any($2::uuid[])', [tenantId, ids]);
  }
}
