import { Injectable } from '@nestjs/common';
import { newId } from '../../../core/ids.js';
import type { Effect } from '../../../core/workflows/pass.js';
import type { StepError } from '../../../core/workflows/rows.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { afterCommit } from '../../../platform/database/tenant-transaction.adapter.js';
import { Events } from '../../../platform/events/events.js';
import { Jobs } from '../../../platform/jobs/jobs.js';
import { TaskOrders } from '../../tasks/task-orders.js';
import { WorkflowRunChanged, WorkflowStepChanged } from '../workflows.events.js';
import { CALL_JOB, type CallOrder } from './call-job.js';
import { errorOf } from './problem-error.js';
import type { Moved } from './run-mover.js';
import { RunSignal } from './run-signal.js';
import { type NewFact, RunsRepository } from './runs.repository.js';
import { RunStarts } from './run-starts.service.js';

type Wanted = Extract<Effect, { id: string }> & { runId: string };

/**
 * Does what transitions want done, in their transaction: tasks, child runs, calls that a job will make, facts for those who wait. What is
 * refused is a fact of its own, which the run hears with its next transition.
 */
@Injectable()
export class Consequences {
  constructor(
    private readonly context: RequestContext,
    private readonly runs: RunsRepository,
    private readonly starts: RunStarts,
    private readonly tasks: TaskOrders,
    private readonly jobs: Jobs,
    private readonly events: Events,
    private readonly signal: RunSignal,
  ) {}

  async of(moved: readonly Moved[]): Promise<void> {
    await this.release(moved);
    const wanted = moved.flatMap(({ run, pass }) => pass.effects.flatMap((effect) => (effect.kind === 'release' ? [] : [{ ...effect, runId: run.id }])));
    const of = (kind: Effect['kind']): Wanted[] => wanted.filter((effect) => effect.kind === kind);
    const facts = [...(await this.makeTasks(of('task'))), ...(await this.startRuns(of('run'))), ...endsForParents(moved)];
    for (const { runId, path, attempt, values } of of('call')) await this.jobs.enqueue<CallOrder>(CALL_JOB, { runId, path, attempt, values });
    await this.runs.addFacts(this.context.tenantId, facts);
    if (facts.length > 0 || of('run').length > 0) afterCommit(() => this.signal.raise());
    await this.publish(moved);
  }

  /** Nobody waits for these any more. A call that is under way is answered to no one. */
  private async release(moved: readonly Moved[]): Promise<void> {
    const releases = moved.flatMap(({ pass }) => pass.effects.flatMap((effect) => (effect.kind === 'release' ? [effect] : [])));
    for (const [reason, of] of Map.groupBy(releases, ({ reason }) => reason)) {
      const idsOf = (kind: string): string[] => of.flatMap(({ waiting }) => (waiting.kind === kind && waiting.id !== null ? [waiting.id] : []));
      await this.tasks.cancel(idsOf('task'), reason);
      await this.starts.cancelChildren(idsOf('run'), reason);
    }
  }

  private async makeTasks(wanted: readonly Wanted[]): Promise<NewFact[]> {
    if (wanted.length === 0) return [];
    const refused = await this.tasks.create(wanted.map(({ id, values }) => ({ id, values: taskOf(values) })));
    return wanted.flatMap((effect) => {
      const problem = refused.get(effect.id);
      return problem ? [failed(effect, errorOf(problem))] : [];
    });
  }

  private async startRuns(wanted: readonly Wanted[]): Promise<NewFact[]> {
    const facts: NewFact[] = [];
    for (const effect of wanted) {
      const problem = await this.starts.startChild(effect);
      if (problem) facts.push(failed(effect, errorOf(problem)));
    }
    return facts;
  }

  private async publish(moved: readonly Moved[]): Promise<void> {
    const steps = moved.flatMap(({ run, rows }) =>
      rows.flatMap(({ path, type, status, attempt, error }) => (type === 'scope' || status === 'pending' ? [] : [{ run_id: run.id, workflow_id: run.workflow_id, path, type, status, attempt, error: error?.code ?? null }])),
    );
    const runs = moved.filter(({ run, before }) => run.status !== before).map(({ run: { id, workflow_id, status, error } }) => ({ run_id: id, workflow_id, status, error: error?.code ?? null }));
    await this.events.publishMany(WorkflowStepChanged, steps);
    await this.events.publishMany(WorkflowRunChanged, runs);
  }
}

/** A run that has ended is what a step of another one waits for. */
function endsForParents(moved: readonly Moved[]): NewFact[] {
  return moved.flatMap(({ run, before }) => {
    const { parent_run_id: runId, parent_path: path, parent_attempt: attempt, status, output } = run;
    if (runId === null || path === null || status === before || !['completed', 'failed', 'cancelled'].includes(status)) return [];
    const error = status === 'completed' ? null : { code: `run_${status}`, message: run.error?.message ?? `The run was ${status}.`, passing: status === 'failed' };
    return [{ id: newId(), runId, path, attempt, outcome: status === 'completed' ? ('completed' as const) : ('failed' as const), output, error }];
  });
}

/** A step's own input is the payload of its task, unless it says another. */
function taskOf({ input, ...values }: Wanted['values']): object {
  return input === undefined || 'payload' in values ? values : { ...values, payload: input };
}

const failed = ({ runId, path, attempt }: Wanted, error: StepError): NewFact => ({ id: newId(), runId, path, attempt, outcome: 'failed', output: null, error });
