import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page } from '../../../core/page.js';
import { notFound } from '../../../core/problem.js';
import { GraphIndex } from '../../../core/workflows/graph.js';
import { toMermaid } from '../../../core/workflows/mermaid.js';
import { toSvg } from '../../../core/workflows/svg.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { TasksReader } from '../../tasks/tasks.reader.js';
import { WorkflowVersions } from '../workflow-versions.reader.js';
import { ArchivedSteps } from './archived-steps.js';
import { statesOf } from './run-diagram.js';
import { whyOf } from './run-reasons.js';
import { RunArchive } from './run-archive.service.js';
import type { Extent, ShownStep, StepsOfRun } from './run-rows.js';
import type { ListRunsQuery, ListStepsQuery } from './runs.dto.js';
import { RunsReadRepository } from './runs-read.repository.js';
import { type ExplainedStep, type RunStepView, toRunView, toStepView, toUnheardView, type WorkflowRunDetailView } from './runs.view.js';
import type { WorkflowRun } from './workflow-run.entity.js';

/** What a detail shows of a run that has more. */
const FIRST_STEPS = 100;
const MOST_WAITS = 50;
const MOST_UNHEARD = 100;

/** Reading runs: where they stand, and why. */
@Injectable()
export class RunsService {
  constructor(
    private readonly context: RequestContext,
    private readonly reads: RunsReadRepository,
    private readonly versions: WorkflowVersions,
    private readonly tasks: TasksReader,
    private readonly archive: RunArchive,
  ) {}

  @Transactional()
  list(query: ListRunsQuery): Promise<Page<WorkflowRun>> {
    return this.reads.page(this.context.tenantId, query);
  }

  /** @throws Problem `not_found` (the workflow) */
  @Transactional()
  async listOf(workflowId: string, query: ListRunsQuery): Promise<Page<WorkflowRun>> {
    await this.versions.startable(workflowId);
    return this.reads.page(this.context.tenantId, { ...query, workflow_id: workflowId });
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async get(id: string): Promise<WorkflowRunDetailView> {
    const run = await this.find(id);
    const of = await this.stepsOf(run);
    const steps = await of.steps({ limit: FIRST_STEPS, offset: 0 });
    const explained = await this.explained(run, of, 'listed', [...steps.items, ...(await of.waiting(MOST_WAITS))]);
    const unheard = (await this.reads.unheard(this.context.tenantId, id, MOST_UNHEARD)).map(toUnheardView);
    return { ...toRunView(run), step_counts: await of.counts(), unheard, waits: explained.slice(steps.items.length), steps: explained.slice(0, steps.items.length) };
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async steps(id: string, query: ListStepsQuery): Promise<Page<RunStepView>> {
    const run = await this.find(id);
    const of = await this.stepsOf(run);
    const page = await of.steps(query);
    return { ...page, items: await this.explained(run, of, 'listed', page.items) };
  }

  /** One step with all that it holds. @throws Problem `not_found` (the run, the step) */
  @Transactional()
  async step(id: string, path: string): Promise<RunStepView> {
    const run = await this.find(id);
    const of = await this.stepsOf(run);
    const step = await of.step(path);
    const [view] = step ? await this.explained(run, of, 'whole', [step]) : [];
    if (!view) throw notFound('step');
    return view;
  }

  /** The graph that the run follows, each step in the colour of its state. @throws Problem `not_found` */
  @Transactional()
  async diagram(id: string, format: 'mermaid' | 'svg'): Promise<string> {
    const run = await this.find(id);
    const graph = await this.versions.graphOf(run.workflow_id, run.version);
    const states = statesOf(new GraphIndex(graph), await (await this.stepsOf(run)).states());
    const statusOf = (path: string): string | undefined => states.get(path);
    return format === 'svg' ? toSvg(graph, statusOf) : toMermaid(graph.steps, statusOf);
  }

  @Transactional()
  async find(id: string): Promise<WorkflowRun> {
    const run = await this.reads.find(this.context.tenantId, id);
    if (!run) throw notFound('workflow run');
    return run;
  }

  private async stepsOf({ id, archived_at }: WorkflowRun): Promise<StepsOfRun> {
    return archived_at === null ? this.reads.stepsOf(this.context.tenantId, id) : new ArchivedSteps(await this.archive.rowsOf(id));
  }

  private async explained(run: WorkflowRun, of: StepsOfRun, extent: Extent, steps: readonly ShownStep[]): Promise<RunStepView[]> {
    const idsOf = (kind: string): string[] => steps.flatMap((step) => (step.waiting_kind === kind && step.waiting_id !== null ? [step.waiting_id] : []));
    const graph = new GraphIndex(await this.versions.graphOf(run.workflow_id, run.version));
    const attempts = await of.attempts(steps.map(({ path }) => path), extent);
    const outside = { tasks: await this.tasks.briefly(idsOf('task')), runs: await this.reads.statuses(this.context.tenantId, idsOf('run')) };
    return steps.map((step) => {
      const inGraph = graph.step(step.undoes ?? step.path);
      const explained: ExplainedStep = { step, name: step.undoes === null ? inGraph.name : `Undo ${inGraph.name}`, why: whyOf(step, run, inGraph, outside), attempts: attempts.get(step.path) ?? [] };
      return toStepView(explained);
    });
  }
}
