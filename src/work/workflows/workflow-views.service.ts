import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { isId } from '../../core/ids.js';
import { mapPage, type Page } from '../../core/page.js';
import { toMermaid } from '../../core/workflows/mermaid.js';
import { toSvg } from '../../core/workflows/svg.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { contentOf } from './workflow-content.js';
import { WorkflowReader } from './workflow-reader.service.js';
import type { ListWorkflowsQuery, WrittenWorkflowDto } from './workflows.dto.js';
import { WorkflowsService } from './workflows.service.js';
import { type ListedWorkflowView, toSummaryView, type WorkflowValidationView } from './workflows.view.js';

/** Looks at workflows that change nothing. */
@Injectable()
export class WorkflowViews {
  constructor(
    private readonly workflows: WorkflowsService,
    private readonly reader: WorkflowReader,
    private readonly agents: AgentsReader,
  ) {}

  /** One page; those that are one prompt say it, and whose it is. */
  @Transactional()
  async list(query: ListWorkflowsQuery): Promise<Page<ListedWorkflowView>> {
    const { page, prompts } = await this.workflows.list(query);
    const listed = mapPage(page, (workflow) => toSummaryView(workflow, prompts.get(workflow.id)));
    const names = await this.agents.namesOf([...new Set(listed.items.flatMap(({ agent_id: id }) => (isId(id) ? [id] : [])))]);
    return mapPage(listed, (workflow) => ({ ...workflow, agent_name: names.get(workflow.agent_id ?? '') ?? null }));
  }

  @Transactional()
  async validate(body: WrittenWorkflowDto): Promise<WorkflowValidationView> {
    const { findings, workflow } = await this.reader.look(contentOf(body));
    return { valid: findings.length === 0, errors: findings, step_count: workflow.stepCount };
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async diagram(id: string, format: 'mermaid' | 'svg'): Promise<string> {
    const { graph } = (await this.workflows.get(id)).version;
    return format === 'svg' ? toSvg(graph) : toMermaid(graph.steps);
  }
}
