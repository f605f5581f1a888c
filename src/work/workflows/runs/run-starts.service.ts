import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../../core/ids.js';
import { Problem } from '../../../core/problem.js';
import type { RunStatus } from '../../../core/workflows/rows.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { afterCommit } from '../../../platform/database/tenant-transaction.adapter.js';
import { PlanLimits } from '../../../platform/limits/plan-limits.port.js';
import { RunSignal } from '../engine/run-signal.js';
import { WorkflowVersions } from '../workflow-versions.reader.js';
import { RunStartsRepository } from './run-starts.repository.js';

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
  async start({ workflowId, input, startedBy, key, id = newId(), requester, parent }: RunOrder): Promise<{ runId: string; status: RunStatus; isNew: boolean }> {
    const workflow = await this.versions.startable(workflowId);
    if (workflow.isTemplate) throw new Problem('workflow_disabled', { detail: 'A template is not run: make a workflow of it first.', current: 'template' });
    if (workflow.status === 'disabled' || (workflow.status === 'draft' && !isByHand(startedBy))) throw new Problem('workflow_disabled', { detail: `The workflow is ${workflow.status}.`, current: workflow.status });
    if (parent && parent.depth >= DEEPEST) throw new Problem('workflow_too_deep', { detail: `Runs stand in each other ${DEEPEST} deep at most.`, limit: DEEPEST });
    this.versions.checkInput(workflow.inputSchema, input);
    const { tenantId } = this.context;
    const started = key === undefined ? undefined : await this.starts.byKey(tenantId, workflowId, key);
    if (started) return { runId: started.id, status: started.status, isNew: false };
    await this.plans.admit('open_workflow_runs');
    const run = { id, workflow_id: workflowId, version: workflow.version, input, started_by_kind: startedBy.kind, started_by_id: startedBy.id, start_key: key ?? null, requester: requester ?? (startedBy.kind === 'schedule' ? workflow.author : null), parent: parent ?? null };
    const isNew = await this.starts.insert(tenantId, run);
    if (isNew) {
      this.versions.touchLastRun(workflowId);
      afterCommit(() => this.signal.raise());
      return { runId: id, status: 'pending', isNew };
    }
    const known = await this.starts.byKey(tenantId, workflowId, key ?? '');
    if (!known) throw new Error(`The run with the key ${key ?? ''} is neither new nor there.`);
    return { runId: known.id, status: known.status, isNew };
  }
}

/** A draft is tried by the people who write it. */
const isByHand = ({ kind }: StartedBy): boolean => kind === 'user' || kind === 'api_key' || kind === 'bootstrap';
