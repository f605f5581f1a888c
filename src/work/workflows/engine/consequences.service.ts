import { Injectable } from '@nestjs/common';
import { newId } from '../../../core/ids.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { afterCommit } from '../../../platform/database/tenant-transaction.adapter.js';
import { Events } from '../../../platform/events/events.js';
import { Notifier } from '../../../platform/notifications/notifier.port.js';
import { WorkflowRunChanged, WorkflowStepChanged } from '../workflows.events.js';
import { ApprovalEffects } from './approval-effects.js';
import { CallEffects } from './call-effects.js';
import { ChildEffects } from './child-effects.js';
import { type Makers, type StandingEffects, standingEffects, type Wanted } from './effects.js';
import { NotifyEffects } from './notify-effects.js';
import type { Moved } from './run-mover.js';
import { RunSignal } from './run-signal.js';
import { type NewFact, RunsRepository } from './runs.repository.js';
import { TaskEffects } from './task-effects.js';

/**
 * Does what transitions want done, in their transaction. What is refused, and what is decided at once, is a fact of its own, which
 * the run hears with its next transition.
 */
@Injectable()
export class Consequences {
  private readonly makers: Makers;

  constructor(
    private readonly context: RequestContext,
    private readonly runs: RunsRepository,
    private readonly events: Events,
    private readonly signal: RunSignal,
    private readonly notifier: Notifier,
    tasks: TaskEffects,
    approvals: ApprovalEffects,
    calls: CallEffects,
    children: ChildEffects,
    notices: NotifyEffects,
  ) {
    this.makers = new Map([
      ['task', { waitsFor: 'task', maker: tasks }],
      ['approval', { waitsFor: 'approval', maker: approvals }],
      ['call', { waitsFor: 'call', maker: calls }],
      ['run', { waitsFor: 'run', maker: children }],
      ['notify', { waitsFor: null, maker: notices }],
    ]);
  }

  async of(moved: readonly Moved[]): Promise<void> {
    const standing = moved.map(standingEffects);
    await this.release(standing);
    const wanted = Map.groupBy(standing.flatMap(({ wanted: of }) => of), ({ kind }) => kind);
    const facts = endsForParents(moved);
    for (const [kind, effects] of wanted) facts.push(...(await this.makerOf(kind).make(effects)));
    await this.runs.addFacts(this.context.tenantId, facts);
    if (facts.length > 0 || wanted.has('run')) afterCommit(() => this.signal.raise());
    await this.publish(moved);
    await this.tellOfFailures(moved);
  }

  private async tellOfFailures(moved: readonly Moved[]): Promise<void> {
    for (const { run } of moved.filter(hasFailed)) {
      await this.notifier.notify({
        type: 'workflow_failure',
        severity: 'high',
        title: 'A run of a workflow failed.',
        body: run.error?.message ?? 'It does not say why.',
        link: `/workflow-runs/${run.id}`,
        metadata: { run_id: run.id, workflow_id: run.workflow_id, code: run.error?.code ?? null },
        to: run.requester?.startsWith('user:') ? { users: [run.requester.slice('user:'.length)], roles: ['admin'] } : { roles: ['admin'] },
        key: `workflow-failure:${run.id}:${run.revision}`,
      });
    }
  }

  private makerOf(kind: Wanted['kind']) {
    const found = this.makers.get(kind);
    if (!found) throw new Error(`Nobody does what a ${kind} step wants.`);
    return found.maker;
  }

  private async release(standing: readonly StandingEffects[]): Promise<void> {
    const released = standing.flatMap(({ released: of }) => of);
    for (const [reason, of] of Map.groupBy(released, ({ reason }) => reason)) {
      for (const { waitsFor, maker } of this.makers.values()) {
        const ids = of.flatMap(({ waiting }) => (waiting.kind === waitsFor && waiting.id !== null ? [waiting.id] : []));
        if (ids.length > 0) await maker.release?.(ids, reason);
      }
    }
  }

  private async publish(moved: readonly Moved[]): Promise<void> {
    const steps = moved.flatMap(({ run, news }) =>
      news.flatMap(({ path, type, status, attempt, error }) => (type === 'scope' ? [] : [{ run_id: run.id, workflow_id: run.workflow_id, path, type, status, attempt, error: error?.code ?? null }])),
    );
    const runs = moved.filter(({ run, before }) => run.status !== before).map(({ run: { id, workflow_id, status, error } }) => ({ run_id: id, workflow_id, status, error: error?.code ?? null }));
    await this.events.publishMany(WorkflowStepChanged, steps);
    await this.events.publishMany(WorkflowRunChanged, runs);
  }
}

/** Who runs it hears of a run that failed, unless another run waits for it: that one has to say what it means. */
const hasFailed = ({ run, before }: Moved): boolean => run.status === 'failed' && before !== 'failed' && run.parent_run_id === null;

/** A run that has ended is what a step of another one waits for. */
function endsForParents(moved: readonly Moved[]): NewFact[] {
  return moved.flatMap(({ run, before }) => {
    const { parent_run_id: runId, parent_path: path, parent_attempt: attempt, status, output } = run;
    if (runId === null || path === null || status === before || !['completed', 'failed', 'cancelled'].includes(status)) return [];
    const error = status === 'completed' ? null : { code: `run_${status}`, message: run.error?.message ?? `The run was ${status}.`, passing: status === 'failed' };
    return [{ id: newId(), runId, path, attempt, outcome: status === 'completed' ? ('completed' as const) : ('failed' as const), output, error }];
  });
}
