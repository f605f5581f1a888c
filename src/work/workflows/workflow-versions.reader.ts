import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { notFound, Problem } from '../../core/problem.js';
import type { Graph } from '../../core/workflows/graph.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { jsonSchemas } from '../../platform/json-schema/json-schemas.js';
import { LastRuns } from './last-runs.js';
import type { WorkflowStatus } from './workflow.entity.js';
import { type VersionContent, WorkflowsRepository } from './workflows.repository.js';

const MOST_KNOWN = 1_000;
/** Of their texts. */
const LARGEST_KNOWN_BYTES = 64 * 1024 * 1024;

/** What a run is started with. */
export interface StartableWorkflow {
  workflowId: string;
  name: string;
  /** The newest: the run keeps it. */
  version: number;
  status: WorkflowStatus;
  isTemplate: boolean;
  inputSchema: object | null;
  parametersSchema: object | null;
  graph: Graph;
  /** Who wrote it last, as `user:<id>`. */
  author: string | null;
}

/** What runs ask of workflows, of the context's tenant, in the caller's transaction. */
@Injectable()
export class WorkflowVersions {
  /** A version never changes, so what is known of one stays right. */
  private readonly known = new LRUCache<string, VersionContent>({ max: MOST_KNOWN, maxSize: LARGEST_KNOWN_BYTES, sizeCalculation: ({ bytes }) => bytes });

  constructor(
    private readonly context: RequestContext,
    private readonly repository: WorkflowsRepository,
    private readonly lastRuns: LastRuns,
  ) {}

  /** Those of the workflows that there are. */
  existing(ids: readonly string[]): Promise<Set<string>> {
    return this.repository.existing(this.context.tenantId, ids);
  }

  /** A workflow with its newest version, whatever its status. @throws Problem `not_found` */
  async startable(workflowId: string): Promise<StartableWorkflow> {
    const head = await this.repository.head(this.context.tenantId, workflowId);
    if (!head) throw notFound('workflow');
    const { graph, input_schema: inputSchema, parameters_schema: parametersSchema } = await this.contentOf(workflowId, head.version);
    return { workflowId, name: head.name, version: head.version, status: head.status, isTemplate: head.is_template, inputSchema, parametersSchema, graph, author: head.author };
  }

  /** The same object each time, as long as it is known: what is made of it may be kept with it. @throws Problem `not_found` */
  async graphOf(workflowId: string, version: number): Promise<Graph> {
    return (await this.contentOf(workflowId, version)).graph;
  }

  /** @throws Problem `workflow_input_invalid` with every place where the input does not fit */
  checkInput(schema: object | null, input: unknown): void {
    if (schema === null) return;
    const errors = jsonSchemas.violations(schema, input ?? null).map(({ place, code, message }) => ({ field: place === '' ? 'input' : place.startsWith('[') ? `input${place}` : `input.${place}`, code, message }));
    if (errors.length > 0) throw new Problem('workflow_input_invalid', { detail: `${errors[0]?.field ?? 'input'}: ${errors[0]?.message ?? ''}`, errors });
  }

  /** The workflow was run just now. Nothing waits for anything here. */
  touchLastRun(workflowId: string): void {
    this.lastRuns.touch(this.context.tenantId, workflowId);
  }

  private async contentOf(workflowId: string, version: number): Promise<VersionContent> {
    const { tenantId } = this.context;
    const key = `${tenantId}/${workflowId}/${version}`;
    const known = this.known.get(key);
    if (known) return known;
    const content = await this.repository.content(tenantId, workflowId, version);
    if (!content) throw notFound('workflow');
    this.known.set(key, content);
    return content;
  }
}
