import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { toMermaid } from '../../core/workflows/mermaid.js';
import { toSvg } from '../../core/workflows/svg.js';
import { contentOf } from './workflow-content.js';
import { WorkflowReader } from './workflow-reader.service.js';
import type { WrittenWorkflowDto } from './workflows.dto.js';
import { WorkflowsService } from './workflows.service.js';
import type { WorkflowValidationView } from './workflows.view.js';

/** Looks at workflows that change nothing. */
@Injectable()
export class WorkflowViews {
  constructor(
    private readonly workflows: WorkflowsService,
    private readonly reader: WorkflowReader,
  ) {}

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
