import { Injectable } from '@nestjs/common';
import type { QueryDeepPartialEntity } from 'typeorm';
import { prepared } from '../../platform/database/prepared.js';
import { Sql } from '../../platform/database/sql.js';
import type { Page, PageRequest } from '../../core/page.js';
import { lockRow, pageOfQuery } from '../../platform/database/table.js';
import type { ListWorkflowsQuery } from './workflows.dto.js';
import { Workflow } from './workflow.entity.js';
import { WorkflowVersion } from './workflow-version.entity.js';

/** What a version says, and how long its text is. */
export type VersionContent = Pick<WorkflowVersion, 'graph' | 'input_schema' | 'parameters_schema' | 'form'> & { bytes: number };

export type WorkflowHead = Pick<Workflow, 'name' | 'version' | 'status' | 'is_template' | 'author'>;

const HEAD = prepared('select name, version, status, is_template, author from workflows where tenant_id = $1 and id = $2');
const CONTENT = prepared('select graph, input_schema, parameters_schema, form, length(graph::text) as bytes from workflow_versions where tenant_id = $1 and workflow_id = $2 and version = $3');

const KEEP_AGENTS = `insert into workflow_family_agents (tenant_id, root_run_id, agent_id)
  with gone as (
    select r.id, r.root_run_id from workflow_runs r where r.tenant_id = $1 and r.workflow_id = $2
      and exists (select from workflow_runs o where o.tenant_id = $1 and o.root_run_id = r.root_run_id and o.workflow_id <> $2)
  )
  select $1, g.root_run_id, ta.agent_id from gone g join workflow_attempts a on a.tenant_id = $1 and a.run_id = g.id and a.made_kind = 'task'
    join task_attempts ta on ta.tenant_id = $1 and ta.task_id = (case when a.made_kind = 'task' then a.made_id::uuid end) where ta.agent_id is not null
  union select $1, g.root_run_id, unnest(w.agents) from gone g join workflow_run_archives w on w.tenant_id = $1 and w.run_id = g.id
  on conflict do nothing`;

export type NewWorkflow = Omit<Workflow, 'revision' | 'created_at' | 'updated_at' | 'last_run_at'>;
export type NewVersion = Omit<WorkflowVersion, 'created_at'>;

/** Rows of workflows and of their versions. */
@Injectable()
export class WorkflowsRepository {
  constructor(private readonly sql: Sql) {}

  head(tenantId: string, id: string): Promise<WorkflowHead | undefined> {
    return this.sql.row<WorkflowHead>(HEAD, [tenantId, id]);
  }

  content(tenantId: string, workflowId: string, version: number): Promise<VersionContent | undefined> {
    return this.sql.row<VersionContent>(CONTENT, [tenantId, workflowId, version]);
  }

  page(tenantId: string, { status, is_template: isTemplate, search, ...request }: ListWorkflowsQuery): Promise<Page<Workflow>> {
    const query = this.sql.manager.createQueryBuilder(Workflow, 'workflow').where('workflow.tenant_id = :tenantId', { tenantId });
    if (status !== undefined && status !== 'all') query.andWhere('workflow.status = :status', { status });
    if (isTemplate !== undefined) query.andWhere('workflow.is_template = :isTemplate', { isTemplate: isTemplate === 'true' });
    if (search !== undefined) query.andWhere(`workflow.name ilike :search escape '\\'`, { search: `%${search.replaceAll(/[\\%_]/g, '\\$&')}%` });
    return pageOfQuery(query, request);
  }

  find(tenantId: string, id: string): Promise<Workflow | null> {
    return this.sql.manager.createQueryBuilder(Workflow, 'workflow').where('workflow.tenant_id = :tenantId and workflow.id = :id', { tenantId, id }).getOne();
  }

  /** Whoever changes it too waits until the transaction ends. */
  lock(id: string): Promise<Workflow | null> {
    return lockRow(this.sql.manager, Workflow, 'workflow', id);
  }

  versions(tenantId: string, workflowId: string, request: PageRequest): Promise<Page<WorkflowVersion>> {
    return pageOfQuery(this.sql.manager.createQueryBuilder(WorkflowVersion, 'version').where('version.tenant_id = :tenantId and version.workflow_id = :workflowId', { tenantId, workflowId }), request);
  }

  version(tenantId: string, workflowId: string, version: number): Promise<WorkflowVersion | null> {
    return this.sql.manager.createQueryBuilder(WorkflowVersion, 'version').where('version.tenant_id = :tenantId and version.workflow_id = :workflowId and version.version = :version', { tenantId, workflowId, version }).getOne();
  }

  /** The newest versions of workflows that are one prompt: lists show them. */
  async prompts(tenantId: string, ids: readonly string[]): Promise<Map<string, WorkflowVersion['graph']>> {
    const rows = await this.sql.rows<{ id: string; graph: WorkflowVersion['graph'] }>(
      `select w.id, v.graph from workflows w join workflow_versions v on v.tenant_id = $1 and v.workflow_id = w.id and v.version = w.version where w.tenant_id = $1 and w.id = any($2) and v.form = 'prompt'`,
      [tenantId, ids],
    );
    return new Map(rows.map(({ id, graph }) => [id, graph]));
  }

  async insert(workflow: NewWorkflow): Promise<void> {
    await this.sql.manager.createQueryBuilder().insert().into(Workflow).values(workflow).execute();
  }

  async addVersion(version: NewVersion): Promise<void> {
    await this.sql.manager.createQueryBuilder().insert().into(WorkflowVersion).values(version as QueryDeepPartialEntity<WorkflowVersion>).execute();
  }

  async update(tenantId: string, id: string, changes: Partial<Workflow>): Promise<void> {
    await this.sql.manager.createQueryBuilder().update(Workflow).set({ ...(changes as QueryDeepPartialEntity<Workflow>), revision: () => 'revision + 1', updated_at: () => 'clock_timestamp()' }).where('tenant_id = :tenantId and id = :id', { tenantId, id }).execute();
  }

  /** Its runs go with it. Of those that stand in others, or others in them, it stays known who took part. */
  async delete(tenantId: string, id: string): Promise<void> {
    await this.sql.execute(KEEP_AGENTS, [tenantId, id]);
    await this.sql.execute('delete from workflows where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  /** Runs of it that have not ended. */
  async openRuns(tenantId: string, id: string): Promise<number> {
    const row = await this.sql.row<{ n: number }>('select count(*)::int as n from workflow_runs where tenant_id = $1 and workflow_id = $2 and ended_at is null', [tenantId, id]);
    return row?.n ?? 0;
  }

  /** Those of the workflows that there are. */
  async existing(tenantId: string, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.sql.rows<{ id: string }>('select id from workflows where tenant_id = $1 and id = any($2::uuid[])', [tenantId, ids]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Those of the workflows that are `target`, or run it, themselves or through others. */
  async leadingTo(tenantId: string, ids: readonly string[], target: string): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.sql.rows<{ id: string }>(
      `with recursive above as (select $3::uuid as id union select w.id from above a join workflows w on w.tenant_id = $1 and w.children @> array[a.id]) select id from above where id = any($2::uuid[])`,
      [tenantId, ids, target],
    );
    return new Set(rows.map(({ id }) => id));
  }
}
