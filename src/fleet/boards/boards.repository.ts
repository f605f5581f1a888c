import { Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'typeorm';
import type { Page } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Board } from './board.entity.js';
import type { ListBoardsQuery } from './boards.dto.js';

export type NewBoard = Pick<Board, 'id' | 'tenant_id' | 'slug' | 'name'> & Partial<Board>;
export type BoardPatch = Partial<Omit<Board, 'id' | 'tenant_id' | 'revision' | 'created_at' | 'updated_at'>>;

/** The boards of a tenant that its plan counts. */
export const COUNTED_BOARDS = 'from boards where tenant_id = $1 and deleted_at is null';

/** Rows of `boards`. Deleted ones are kept for the tasks that refer to them, and are seen by no one. */
@Injectable()
export class BoardsRepository {
  constructor(private readonly sql: Sql) {}

  find(tenantId: string, id: string): Promise<Board | null> {
    return this.present(tenantId).andWhere('board.id = :id', { id }).getOne();
  }

  lock(tenantId: string, id: string): Promise<Board | null> {
    return this.present(tenantId).andWhere('board.id = :id', { id }).setLock('for_no_key_update').getOne();
  }

  /** Holds the row and waits for everyone who refers to it just now: before it is deleted. */
  lockToDelete(tenantId: string, id: string): Promise<Board | null> {
    return this.present(tenantId).andWhere('board.id = :id', { id }).setLock('pessimistic_write').getOne();
  }

  /** Whether the board is there; it is not deleted until the transaction ends. */
  async refer(tenantId: string, id: string): Promise<boolean> {
    const row = await this.sql.row('select 1 from boards where tenant_id = $1 and id = $2 and deleted_at is null for key share', [tenantId, id]);
    return row !== undefined;
  }

  async existing(tenantId: string, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.sql.rows<{ id: string }>('select id from boards where tenant_id = $1 and id = any($2::uuid[]) and deleted_at is null', [tenantId, ids]);
    return new Set(rows.map(({ id }) => id));
  }

  page(tenantId: string, query: ListBoardsQuery): Promise<Page<Board>> {
    const rows = this.present(tenantId);
    if (query.search) rows.andWhere('(board.name ilike :search or board.slug ilike :search)', { search: `%${query.search.replaceAll(/[\\%_]/g, '\\$&')}%` });
    return pageOfQuery(rows, query);
  }

  /** The boards that an agent is on. */
  pageOfAgent(tenantId: string, agentId: string, query: ListBoardsQuery): Promise<Page<Board>> {
    const on = 'exists (select 1 from board_agents member where member.tenant_id = :tenantId and member.board_id = board.id and member.agent_id = :agentId)';
    return pageOfQuery(this.present(tenantId).andWhere(on, { agentId }), query);
  }

  /** @returns undefined when the slug is taken */
  async insert(board: NewBoard): Promise<Board | undefined> {
    // ON CONFLICT DO NOTHING: unlike an error it leaves the transaction usable for another slug.
    const result = await this.sql.manager.createQueryBuilder().insert().into(Board).values(board).orIgnore().returning('*').execute();
    return (result.raw as Board[])[0];
  }

  async update(tenantId: string, id: string, patch: BoardPatch): Promise<Board> {
    const result = await this.sql.manager
      .createQueryBuilder()
      .update(Board)
      .set({ ...patch, revision: () => 'revision + 1', updated_at: () => 'now()' })
      .where('tenant_id = :tenantId and id = :id', { tenantId, id })
      .returning('*')
      .execute();
    return (result.raw as [Board])[0];
  }

  /** Boards that the agent led have no lead any more. */
  async clearLead(tenantId: string, agentId: string): Promise<void> {
    await this.sql.execute('update boards set lead_agent_id = null, revision = revision + 1, updated_at = now() where tenant_id = $1 and lead_agent_id = $2', [tenantId, agentId]);
  }

  /** The highest number among the slugs `base`, `base-2`, `base-3`...; 0 when there is none. */
  async highestSuffix(tenantId: string, base: string): Promise<number> {
    const row = await this.sql.row<{ highest: number | null }>(
      `select max(coalesce(nullif(substring(slug from length($2) + 2), ''), '1')::int) as highest from boards
       where tenant_id = $1 and deleted_at is null and (slug = $2 or slug ~ ('^' || $2 || '-[1-9][0-9]{0,5}$'))`,
      [tenantId, base],
    );
    return row?.highest ?? 0;
  }

  private present(tenantId: string): SelectQueryBuilder<Board> {
    return this.sql.manager.createQueryBuilder(Board, 'board').where('board.tenant_id = :tenantId and board.deleted_at is null', { tenantId });
  }
}
