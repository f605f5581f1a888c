import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../../core/ids.js';
import { notFound, Problem, refusalOf } from '../../../core/problem.js';
import type { RunStatus } from '../../../core/workflows/rows.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { afterCommit } from '../../../platform/database/tenant-transaction.adapter.js';
import { PlanLimits } from '../../../platform/limits/plan-limits.port.js';
import { RunSignal } from '../engine/run-signal.js';
import { type StartableWorkflow, WorkflowVersions } from '../workflow-versions.reader.js';
import { type NewRun, RunStartsRepository } from './run-starts.repository.js';

/** Runs within runs: a workflow that starts itself ends here. */
const DEEPEST = 8;

/** Who or what starts a run. */
export interface StartedBy {
  kind: 'user' | 'api_key' | 'agent' | 'bootstrap' | 'system' | 'schedule' | 'trigger' | 'webhook' | 'run';
  id: string;
}

export interface RunOrder {
  workflowId: string;
  /** What the workflow's `input_schema` describes. */
  input: unknown;
  startedBy: StartedBy;
  /** One run for each key of a workflow: the same key again answers the run that there is. */
  key?: string;
  /** Its id, where somebody waits for it already. */
  id?: string;
  /** Who wants it, as `user:<id>`: they approve nothing that it asks for. */
  requester?: string | undefined;
  /** The step that waits for it. */
  parent?: { runId: string; rootRunId: string; path: string; attempt: number; depth: number };
}

/** A run that an order has started, or that was started with the same key before. */
export interface StartedRun {
  runId: string;
  status: RunStatus;
  isNew: boolean;
}

/** Starts runs of workflows, by the version that is the newest then. */
@Injectable()
export class RunStarts {
  constructor(
    private readonly context: RequestContext,
    private readonly versions: WorkflowVersions,
    private readonly starts: RunStartsRepository,
    private readonly signal: RunSignal,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('open_workflow_runs', 'from workflow_runs where tenant_id = $1 and ended_at is null');
  }

  /**
   * Within the caller's transaction, if there is one: the run begins with its commit.
   * @throws Problem `not_found`, `workflow_disabled`, `workflow_input_invalid`, `workflow_too_deep`, `plan_limit_reached`
   */
  @Transactional()
  async start(order: RunOrder): Promise<StartedRun> {
    const [started] = await this.startMany([order]);
    if (started === undefined) throw new Error('A run was not started.');
    if (started instanceof Problem) throw started;
    return started;
  }

  /**
   * Several in one transaction; one that is refused takes no other with it.
   * @returns for each order, in their order, its run or why not
   */
  @Transactional()
  async startMany(orders: readonly RunOrder[]): Promise<(StartedRun | Problem)[]> {
    const planned = await this.planAll(orders);
    const runs = planned.flatMap((plan) => ('run' in plan ? [plan.run] : []));
    const added = await this.starts.insert(this.context.tenantId, runs);
    for (const workflowId of new Set(runs.map(({ workflow_id }) => workflow_id))) this.versions.touchLastRun(workflowId);
    if (added.size > 0) afterCommit(() => this.signal.raise());
    // Of others that were started with the same key at the same time.
    const known = await this.knownOf(runs.filter(({ id }) => !added.has(id)).map(({ workflow_id, start_key }) => ({ workflowId: workflow_id, key: start_key ?? undefined })));
    return planned.map((plan) => {
      if (!('run' in plan)) return plan;
      const { id, workflow_id: workflowId, start_key: key } = plan.run;
      const run = added.has(id) ? { runId: id, status: 'pending' as const, isNew: true } : known.get(nameOf(workflowId, key));
      if (!run) throw new Error(`The run with the key ${key ?? ''} is neither new nor there.`);
      return run;
    });
  }

  private async planAll(orders: readonly RunOrder[]): Promise<({ run: NewRun } | StartedRun | Problem)[]> {
    const workflows = new Map<string, StartableWorkflow | Problem>();
    for (const id of new Set(orders.map(({ workflowId }) => workflowId))) workflows.set(id, await this.versions.startable(id).catch(refusalOf));
    const known = await this.knownOf(orders);
    const room = orders.some(({ workflowId, key }) => !known.has(nameOf(workflowId, key))) ? await this.plans.room('open_workflow_runs') : undefined;
    const planned: ({ run: NewRun } | StartedRun | Problem)[] = [];
    for (const order of orders) {
      const plan = async (): Promise<{ run: NewRun } | StartedRun> => {
        const workflow = this.admitted(order, workflows.get(order.workflowId));
        const run = known.get(nameOf(order.workflowId, order.key));
        if (run) return run;
        await this.plans.take('open_workflow_runs', room);
        return { run: newRun(order, workflow) };
      };
      planned.push(await plan().catch(refusalOf));
    }
    return planned;
  }

  /** The workflow, if the order fits it. */
  private admitted({ startedBy, input, parent }: RunOrder, workflow: StartableWorkflow | Problem | undefined): StartableWorkflow {
    if (workflow === undefined) throw notFound('workflow');
    if (workflow instanceof Problem) throw workflow;
    if (workflow.isTemplate) throw new Problem('workflow_disabled', { detail: 'A template is not run: make a workflow of it first.', current: 'template' });
    if (workflow.status === 'disabled' || (workflow.status === 'draft' && !isByHand(startedBy))) throw new Problem('workflow_disabled', { detail: `The workflow is ${workflow.status}.`, current: workflow.status });
    if (parent && parent.depth >= DEEPEST) throw new Problem('workflow_too_deep', { detail: `Runs stand in each other ${DEEPEST} deep at most.`, limit: DEEPEST });
    this.versions.checkInput(workflow.inputSchema, input);
    return workflow;
  }

  /** Runs that were started with a key before, by workflow and key. */
  private async knownOf(orders: readonly Pick<RunOrder, 'workflowId' | 'key'>[]): Promise<ReadonlyMap<string, StartedRun>> {
    const keyed = orders.flatMap(({ workflowId, key }) => (key === undefined ? [] : [{ workflow_id: workflowId, start_key: key }]));
    const found = keyed.length === 0 ? [] : await this.starts.byKeys(this.context.tenantId, keyed);
    return new Map(found.map(({ id, workflow_id, start_key, status }) => [nameOf(workflow_id, start_key), { runId: id, status, isNew: false }]));
  }
}

/** What a run with a key is known by: one without is known by none. */
const nameOf = (workflowId: string, key: string | null | undefined): string => `${workflowId.toLowerCase()}/${key ?? ''}`;

const newRun = ({ id = newId(), workflowId, input, startedBy, key, requester, parent }: RunOrder, workflow: StartableWorkflow): NewRun => ({
  id,
  workflow_id: workflowId,
  version: workflow.version,
  input: input ?? null,
  started_by_kind: startedBy.kind,
  started_by_id: startedBy.id,
  start_key: key ?? null,
  // Who wrote a workflow that runs by itself approves nothing that it asks for.
  requester: requester ?? (startedBy.kind === 'schedule' ? workflow.author : null),
  root_run_id: parent?.rootRunId ?? id,
  parent_run_id: parent?.runId ?? null,
  parent_path: parent?.path ?? null,
  parent_attempt: parent?.attempt ?? null,
  depth: parent ? parent.depth + 1 : 0,
});

/** A draft is tried by the people who write it. */
const isByHand = ({ kind }: StartedBy): boolean => kind === 'user' || kind === 'api_key' || kind === 'bootstrap';
