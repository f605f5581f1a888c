import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import { personOf } from '../../core/actor.js';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import type { Graph } from '../../core/workflows/graph.js';
import { writtenSteps } from '../../core/workflows/write-forms.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { CronTicks } from '../../platform/jobs/cron-ticks.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { checkSchedule, scheduleOf, WORKFLOW_TICKS } from './workflow-schedule.js';
import { WorkflowReader } from './workflow-reader.service.js';
import type { Workflow } from './workflow.entity.js';
import type { WorkflowVersion } from './workflow-version.entity.js';
import type { AddStepDto, CreateWorkflowDto, InstantiateWorkflowDto, ListWorkflowsQuery, UpdateWorkflowDto, WorkflowFieldsDto } from './workflows.dto.js';
import { WorkflowCreated, WorkflowDeleted, WorkflowUpdated } from './workflows.events.js';
import { WorkflowsRepository } from './workflows.repository.js';
import { contentOf, mergedContent } from './workflow-content.js';
import type { ReadWorkflow } from './written-workflow.js';

/** A workflow, and the version that is its newest. */
export interface WorkflowWithVersion {
  workflow: Workflow;
  version: WorkflowVersion;
}

/** What people do with workflows. Each change of what one does is a version of its own, which never changes. */
@Injectable()
export class WorkflowsService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: WorkflowsRepository,
    private readonly reader: WorkflowReader,
    private readonly ticks: CronTicks,
    private readonly audit: AuditPort,
    private readonly events: Events,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('workflows', 'from workflows where tenant_id = $1');
  }

  /** One page, and the graphs of those that are one prompt. */
  @Transactional()
  async list(query: ListWorkflowsQuery): Promise<{ page: Page<Workflow>; prompts: Map<string, Graph> }> {
    const page = await this.repository.page(this.context.tenantId, query);
    return { page, prompts: await this.repository.prompts(this.context.tenantId, page.items.map(({ id }) => id)) };
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async get(id: string): Promise<WorkflowWithVersion> {
    const workflow = await this.repository.find(this.context.tenantId, id);
    if (!workflow) throw notFound('workflow');
    return { workflow, version: await this.versionOf(id, workflow.version) };
  }

  @Transactional()
  async versions(id: string, page: PageRequest): Promise<Page<WorkflowVersion>> {
    if (!(await this.repository.find(this.context.tenantId, id))) throw notFound('workflow');
    return this.repository.versions(this.context.tenantId, id, page);
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async versionOf(id: string, version: number): Promise<WorkflowVersion> {
    const row = await this.repository.version(this.context.tenantId, id, version);
    if (!row) throw notFound('workflow version');
    return row;
  }

  /** @param text of a path: what is no number names no version @throws Problem `not_found` */
  versionNamed(id: string, text: string): Promise<WorkflowVersion> {
    if (!/^[1-9]\d{0,8}$/.test(text)) throw notFound('workflow version');
    return this.versionOf(id, Number(text));
  }

  /** @throws Problem `workflow_invalid` */
  @Transactional()
  async create(body: CreateWorkflowDto): Promise<WorkflowWithVersion> {
    const read = await this.reader.read(contentOf(body));
    return this.insert(read, { name: body.name, ...fieldsOf(body) });
  }

  /** @throws Problem `not_found`, `workflow_invalid`, `precondition_failed` */
  @Transactional()
  async update(id: string, body: UpdateWorkflowDto): Promise<WorkflowWithVersion> {
    const before = await this.lock(id);
    const written = mergedContent(before.version, body);
    const read = written ? await this.reader.read(written, id) : undefined;
    return this.change(before, { ...(body.name === undefined ? {} : { name: body.name }), ...fieldsOf(body, before.workflow) }, read);
  }

  /** Puts a step among the others. Left out, what it depends on is the step before it. @throws Problem `not_found`, `workflow_invalid`, `precondition_failed` */
  @Transactional()
  async addStep(id: string, { order, step_type: type, depends_on: edges, ...step }: AddStepDto): Promise<WorkflowWithVersion> {
    const before = await this.lock(id);
    const steps = writtenSteps(before.version.graph.steps);
    const at = Math.min(order ?? steps.length, steps.length);
    const previous = steps[at - 1]?.['key'];
    const added = { ...step, type, depends_on: edges ?? (typeof previous === 'string' ? [previous] : []) };
    const { graph, input_schema, parameters_schema } = before.version;
    const read = await this.reader.read({ ...graph, steps: steps.toSpliced(at, 0, added), input_schema, parameters_schema }, id);
    return this.change(before, {}, read);
  }

  /** @throws Problem `not_found`, `workflow_disabled` (no template), `workflow_invalid` */
  @Transactional()
  async instantiate(id: string, { name, parameters = {} }: InstantiateWorkflowDto): Promise<WorkflowWithVersion> {
    const { workflow, version } = await this.get(id);
    if (!workflow.is_template) throw new Problem('conflict', { detail: 'The workflow is not a template.' });
    const { steps, ...rest } = version.graph;
    const read = await this.reader.read({ ...rest, steps: writtenSteps(steps), parameters, input_schema: version.input_schema, parameters_schema: version.parameters_schema });
    return this.insert(read, { name, description: workflow.description, config: workflow.config, trigger_type: workflow.trigger_type, trigger_config: workflow.trigger_config, template_id: id, template_version: version.version });
  }

  /** Its runs go with it. @throws Problem `not_found`, `conflict` (runs go on), `precondition_failed` */
  @Transactional()
  async delete(id: string): Promise<void> {
    const { workflow } = await this.lock(id);
    const open = await this.repository.openRuns(workflow.tenant_id, id);
    if (open > 0) throw new Problem('conflict', { detail: `${open} of its runs have not ended.`, current: open, remedy: 'Disable it, cancel its runs, and delete it then.' });
    await this.ticks.set(WORKFLOW_TICKS, id, null);
    await this.repository.delete(workflow.tenant_id, id);
    await this.audit.record({ action: 'workflow.delete', resource: { type: 'workflow', id }, before: summaryOf(workflow) });
    await this.events.publish(WorkflowDeleted, { workflow_id: id, name: workflow.name });
  }

  private async insert(read: ReadWorkflow, fields: Partial<Workflow> & Pick<Workflow, 'name'>): Promise<WorkflowWithVersion> {
    await this.plans.admit('workflows');
    const { tenantId, actor } = this.context;
    const id = newId();
    const by = { created_by_kind: actor.kind, created_by_id: actor.id };
    await this.repository.insert({ description: null, status: 'active', is_template: false, trigger_type: 'manual', trigger_config: {}, config: {}, template_id: null, template_version: null, ...fields, ...by, author: personOf(actor), tenant_id: tenantId, id, version: 1, children: read.children });
    await this.repository.addVersion(versionRow(tenantId, id, 1, read, by));
    const made = await this.get(id);
    checkSchedule(made);
    await this.ticks.set(WORKFLOW_TICKS, id, scheduleOf(made.workflow));
    await this.audit.record({ action: 'workflow.create', resource: { type: 'workflow', id }, after: { ...summaryOf(made.workflow), steps: read.stepCount } });
    await this.events.publish(WorkflowCreated, { workflow_id: id, name: made.workflow.name, version: 1 });
    return made;
  }

  private async change({ workflow, version }: WorkflowWithVersion, fields: Partial<Workflow>, read: ReadWorkflow | undefined): Promise<WorkflowWithVersion> {
    const { tenant_id: tenantId, id } = workflow;
    const { actor } = this.context;
    const isNew = read !== undefined && !isSame(read, version);
    if (isNew) await this.repository.addVersion(versionRow(tenantId, id, workflow.version + 1, read, { created_by_kind: actor.kind, created_by_id: actor.id }));
    await this.repository.update(tenantId, id, { ...fields, author: personOf(actor), ...(isNew ? { version: workflow.version + 1, children: read.children } : {}) });
    const after = await this.get(id);
    checkSchedule(after);
    await this.ticks.set(WORKFLOW_TICKS, id, scheduleOf(after.workflow));
    await this.audit.record({ action: 'workflow.update', resource: { type: 'workflow', id }, ...changesBetween(summaryOf(workflow), summaryOf(after.workflow)) });
    await this.events.publish(WorkflowUpdated, { workflow_id: id, name: after.workflow.name, version: after.workflow.version });
    return after;
  }

  private async lock(id: string): Promise<WorkflowWithVersion> {
    const workflow = await this.repository.lock(id);
    if (!workflow) throw notFound('workflow');
    checkIfMatch(this.context.get('ifMatch'), workflow);
    return { workflow, version: await this.versionOf(id, workflow.version) };
  }
}

const versionRow = (tenantId: string, workflowId: string, version: number, { form, graph, stepCount, inputSchema, parametersSchema }: ReadWorkflow, by: Pick<WorkflowVersion, 'created_by_kind' | 'created_by_id'>) => ({ tenant_id: tenantId, id: newId(), workflow_id: workflowId, version, form, graph, step_count: stepCount, input_schema: inputSchema, parameters_schema: parametersSchema, ...by });

/** Whether what was written is what there is, however it was written. */
const isSame = (read: ReadWorkflow, version: WorkflowVersion): boolean =>
  isDeepStrictEqual(JSON.parse(JSON.stringify([read.graph, read.inputSchema, read.parametersSchema, read.form])), [version.graph, version.input_schema, version.parameters_schema, version.form]);

/** Fields beside what it does, as they are stored. */
function fieldsOf(body: WorkflowFieldsDto, before?: Workflow): Partial<Workflow> {
  const { description, is_template, config, status, is_enabled: enabled } = body;
  if (status !== undefined && enabled !== undefined && enabled !== (status === 'active')) throw invalidField('is_enabled', 'contradiction', 'says something else than status');
  const state = status ?? (enabled === undefined ? undefined : enabled ? 'active' : 'disabled');
  return {
    ...(description === undefined ? {} : { description }),
    ...(is_template === undefined ? {} : { is_template }),
    ...(config === undefined ? {} : { config }),
    ...(state === undefined ? {} : { status: state }),
    ...triggerOf(body, before),
  };
}

/** Both ways to say when it starts by itself. */
function triggerOf({ trigger_type: type, trigger_config: config, schedule, timezone }: WorkflowFieldsDto, before?: Workflow): Partial<Workflow> {
  if (type === undefined && config === undefined && schedule === undefined && timezone === undefined) return {};
  if (type === 'manual' || schedule === null) return { trigger_type: 'manual', trigger_config: {} };
  const known = before?.trigger_config ?? {};
  const expression = schedule ?? config?.expression ?? known.expression;
  if (expression === undefined) throw invalidField('trigger_config', 'isDefined', 'must say when: expression');
  return { trigger_type: 'cron', trigger_config: { expression, timezone: timezone ?? config?.timezone ?? known.timezone ?? 'UTC', missed: config?.missed ?? known.missed ?? 'skip' } };
}

const summaryOf = ({ name, description, status, is_template, version, trigger_type, trigger_config, config }: Workflow): object => ({ name, description, status, is_template, version, trigger_type, trigger_config, config });
