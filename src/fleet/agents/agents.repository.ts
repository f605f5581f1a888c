import { Injectable } from '@nestjs/common';
import type { QueryDeepPartialEntity, SelectQueryBuilder } from 'typeorm';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Agent } from './agent.entity.js';
import type { ListAgentsQuery } from './agents.dto.js';

/** A row to be made: what is left out has its default in the table. */
export type NewAgent = Pick<Agent, 'id' | 'tenant_id' | 'slug' | 'name'> & Partial<Agent>;
export type AgentPatch = Partial<Omit<Agent, 'id' | 'tenant_id' | 'revision' | 'created_at' | 'updated_at' | 'status_changed_at'>>;

/** The agents of a tenant that its plan counts. */
export const COUNTED_AGENTS = 'from agents where tenant_id = $1 and deleted_at is null';

/** Rows of `agents`. Deleted ones are kept for what refers to them, and are seen by no one. */
@Injectable()
export class AgentsRepository {
  constructor(private readonly sql: Sql) {}

  find(tenantId: string, id: string): Promise<Agent | null> {
    return this.present(tenantId).andWhere('agent.id = :id', { id }).getOne();
  }

  findMany(tenantId: string, ids: readonly string[]): Promise<Agent[]> {
    return this.present(tenantId).andWhere('agent.id = any(:ids::uuid[])', { ids }).getMany();
  }

  findBySlug(tenantId: string, slug: string): Promise<Agent | null> {
    return this.present(tenantId).andWhere('agent.slug = :slug', { slug }).getOne();
  }

  /** Holds the row until the transaction ends, without holding back those who only refer to it. */
  lock(tenantId: string, id: string): Promise<Agent | null> {
    return this.present(tenantId).andWhere('agent.id = :id', { id }).setLock('for_no_key_update').getOne();
  }

  /** Holds the row and waits for everyone who refers to it just now: before it is deleted. */
  lockToDelete(tenantId: string, id: string): Promise<Agent | null> {
    return this.present(tenantId).andWhere('agent.id = :id', { id }).setLock('pessimistic_write').getOne();
  }

  /** Like `lockToDelete`, with those that were deleted. */
  lockDeletedToo(tenantId: string, id: string): Promise<Pick<Agent, 'id' | 'slug' | 'name'> | undefined> {
    return this.sql.row('select id, slug, name from agents where tenant_id = $1 and id = $2 for update', [tenantId, id]);
  }

  /** Whether the agent is there; it is not deleted until the transaction ends. */
  async refer(tenantId: string, id: string): Promise<boolean> {
    const row = await this.sql.row('select 1 from agents where tenant_id = $1 and id = $2 and deleted_at is null for key share', [tenantId, id]);
    return row !== undefined;
  }

  /** What an operator lets the agent do; it stays so until the transaction ends. */
  holdState(tenantId: string, id: string): Promise<Pick<Agent, 'is_active' | 'control_state'> | undefined> {
    return this.sql.row('select is_active, control_state from agents where tenant_id = $1 and id = $2 and deleted_at is null for share', [tenantId, id]);
  }

  page(tenantId: string, query: ListAgentsQuery): Promise<Page<Agent>> {
    const rows = this.present(tenantId);
    const status = query.status ?? query.status_filter;
    if (status) rows.andWhere('agent.status = :status', { status });
    if (query.role !== undefined) rows.andWhere('agent.role = :role', { role: query.role });
    if (query.is_active !== undefined) rows.andWhere('agent.is_active = :isActive', { isActive: query.is_active });
    if (query.search) rows.andWhere('(agent.name ilike :search or agent.slug ilike :search)', { search: `%${query.search.replaceAll(/[\\%_]/g, '\\$&')}%` });
    return pageOfQuery(rows, query);
  }

  pageOfIds(tenantId: string, ids: readonly string[], request: PageRequest): Promise<Page<Agent>> {
    return pageOfQuery(this.present(tenantId).andWhere('agent.id = any(:ids::uuid[])', { ids }), request);
  }

  async countByStatus(tenantId: string): Promise<Record<string, number>> {
    const rows = await this.sql.rows<{ status: string; count: number }>('select status, count(*)::int as count from agents where tenant_id = $1 and deleted_at is null group by status', [tenantId]);
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  /** Of deleted ones too. */
  async idsOfSlugs(tenantId: string, slugs: readonly string[]): Promise<Map<string, string>> {
    const agents = await this.present(tenantId).andWhere('agent.slug = any(:slugs)', { slugs }).select(['agent.id', 'agent.slug']).getMany();
    return new Map(agents.map(({ id, slug }) => [slug, id]));
  }

  async namesOf(tenantId: string, ids: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.sql.rows<{ id: string; name: string }>('select id, name from agents where tenant_id = $1 and id = any($2::uuid[])', [tenantId, ids]);
    return new Map(rows.map(({ id, name }) => [id, name]));
  }

  /** @returns undefined when the slug is taken */
  async insert(agent: NewAgent): Promise<Agent | undefined> {
    const statement = this.sql.manager.createQueryBuilder().insert().into(Agent).values(agent as QueryDeepPartialEntity<Agent>);
    // `orIgnore` is ON CONFLICT DO NOTHING: unlike an error it leaves the transaction usable for another slug.
    const result = await statement.orIgnore().returning('*').execute();
    return (result.raw as Agent[])[0];
  }

  async update(tenantId: string, id: string, patch: AgentPatch): Promise<Agent> {
    const since = { status_changed_at: () => 'case when status = :status then status_changed_at else now() end' };
    const result = await this.sql.manager
      .createQueryBuilder()
      .update(Agent)
      .set({ ...(patch as QueryDeepPartialEntity<Agent>), ...(patch.status === undefined ? {} : since), revision: () => 'revision + 1', updated_at: () => 'now()' })
      .where('tenant_id = :tenantId and id = :id', { tenantId, id, status: patch.status })
      .returning('*')
      .execute();
    return (result.raw as [Agent])[0];
  }

  /** The highest number among the slugs `base`, `base-2`, `base-3`...; 0 when there is none. */
  async highestSuffix(tenantId: string, base: string): Promise<number> {
    const row = await this.sql.row<{ highest: number | null }>(
      `select max(coalesce(nullif(substring(slug from length($2) + 2), ''), '1')::int) as highest from agents
       where tenant_id = $1 and deleted_at is null and (slug = $2 or slug ~ ('^' || $2 || '-[1-9][0-9]{0,5}$'))`,
      [tenantId, base],
    );
    return row?.highest ?? 0;
  }

  /** The agent that conducts the others, as the settings name it. */
  async conductorId(tenantId: string): Promise<string | undefined> {
    const row = await this.sql.row<{ id: string | null }>(
      `select value #>> '{}' as id from settings where tenant_id = $1 and category = 'conductor' and key = 'agent_id' for share`,
      [tenantId],
    );
    return row?.id ?? undefined;
  }

  private present(tenantId: string): SelectQueryBuilder<Agent> {
    return this.sql.manager.createQueryBuilder(Agent, 'agent').where('agent.tenant_id = :tenantId and agent.deleted_at is null', { tenantId });
  }
}
