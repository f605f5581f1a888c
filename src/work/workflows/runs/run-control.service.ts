import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../../core/ids.js';
import { notFound, Problem } from '../../../core/problem.js';
import { ROOT } from '../../../core/workflows/graph.js';
import type { Pass } from '../../../core/workflows/pass.js';
import { advance, cancel, isGoing, pause, resume, retry } from '../../../core/workflows/transition.js';
import { AuditPort } from '../../../platform/auth/audit-port.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { afterCommit } from '../../../platform/database/tenant-transaction.adapter.js';
import { checkIfMatch } from '../../../platform/http/etag.js';
import { PlanLimits } from '../../../platform/limits/plan-limits.port.js';
import { Consequences } from '../engine/consequences.service.js';
import { type Move, RunMover } from '../engine/run-mover.js';
import { RunSignal } from '../engine/run-signal.js';
import { type HeldRun, RunsRepository } from '../engine/runs.repository.js';
import { WorkflowVersions } from '../workflow-versions.reader.js';
import { RunArchive } from './run-archive.service.js';

/**
 * What people do with runs that go on: each is a transition like any other, made at once. What has happened to the run until then is
 * taken in first.
 */
@Injectable()
export class RunControl {
  constructor(
    private readonly context: RequestContext,
    private readonly runs: RunsRepository,
    private readonly mover: RunMover,
    private readonly consequences: Consequences,
    private readonly audit: AuditPort,
    private readonly archive: RunArchive,
    private readonly versions: WorkflowVersions,
    private readonly plans: PlanLimits,
    private readonly signal: RunSignal,
  ) {}

  /**
   * Leases of its tasks end with it, its approvals and child runs are withdrawn; then what was done is undone. One that breaks would break
   * this too: it is given up by whoever moves it on, at once. @throws Problem `not_found`, `run_final`
   */
  cancel(id: string, reason = 'Somebody cancelled the run.'): Promise<HeldRun> {
    return this.control(id, 'cancel', isGoing, (pass, facts) => cancel(pass, reason, facts), (run) => this.cancelBroken(run, reason));
  }

  /** What runs may end, nothing new starts. @throws Problem `not_found`, `run_final`, `invalid_transition` */
  pause(id: string): Promise<HeldRun> {
    return this.control(id, 'pause', (run) => isGoing(run) && run.status !== 'paused', pause, (run) => this.moveUnheard(run, (pass) => pause(pass, [], [])));
  }

  /** @throws Problem `not_found`, `run_final`, `invalid_transition` */
  resume(id: string): Promise<HeldRun> {
    return this.control(id, 'resume', ({ status, ends_as }) => status === 'paused' && ends_as === null, async (pass, facts, due) => {
      await advance(pass, facts, due);
      if (pass.run.status === 'paused' && pass.run.ends_as === null) await resume(pass);
    }, (run) => this.moveUnheard(run, resume));
  }

  /** Goes on with a run that failed or was cancelled: what was completed and not undone stays. @throws Problem `not_found`, `invalid_transition` */
  retry(id: string): Promise<HeldRun> {
    return this.control(id, 'retry', ({ status }) => status === 'failed' || status === 'cancelled', (pass: Pass) => retry(pass));
  }

  @Transactional()
  protected async control(id: string, verb: string, isAllowed: (run: HeldRun) => boolean, move: Move, ofBroken?: (run: HeldRun) => Promise<void>): Promise<HeldRun> {
    const run = await this.runs.holdOne(this.context.tenantId, id);
    if (!run) throw notFound('workflow run');
    checkIfMatch(this.context.get('ifMatch'), run);
    if (!isAllowed(run)) throw isEnded(run) && verb !== 'retry' ? finalProblem(run) : new Problem('invalid_transition', { detail: `A run that is ${run.status} cannot be told to ${verb}.`, current: run.status });
    if (verb === 'retry') await this.admit(run);
    const before = { status: run.status };
    if (run.archived_at !== null) await this.archive.takeOut(id);
    if (ofBroken && run.breakages > 0) await ofBroken(run);
    else await this.consequences.of(await this.mover.move([run], move));
    await this.audit.record({ action: `workflow_run.${verb}`, resource: { type: 'workflow_run', id }, before, after: { status: run.status } });
    return run;
  }

  /** What happened to a run that breaks may be what breaks it: it stays for whoever moves it on. */
  private async moveUnheard(run: HeldRun, move: Move): Promise<void> {
    await this.consequences.of(await this.mover.move([run], move, []));
  }

  private async cancelBroken({ id: runId }: HeldRun, message: string): Promise<void> {
    const { tenantId } = this.context;
    await this.runs.addFacts(tenantId, [{ id: newId(), runId, path: ROOT, attempt: null, outcome: 'cancelled', output: null, error: { code: 'cancelled', message, passing: false } }]);
    await this.runs.wearOut(tenantId, runId);
    afterCommit(() => this.signal.raise());
  }

  /** A run that goes on again is one more that is open, of a workflow that may run. */
  private async admit({ workflow_id: workflowId, status: is, started_at: began }: HeldRun): Promise<void> {
    if (began === null) throw new Problem('invalid_transition', { detail: 'The run never began: start another one.', current: is });
    const { status } = await this.versions.startable(workflowId);
    if (status === 'disabled') throw new Problem('workflow_disabled', { detail: 'The workflow is disabled.', current: status });
    await this.plans.admit('open_workflow_runs');
  }
}

const isEnded = ({ status, ends_as }: Pick<HeldRun, 'status' | 'ends_as'>): boolean => ends_as !== null || status === 'completed';

const finalProblem = ({ status }: Pick<HeldRun, 'status'>): Problem => new Problem('run_final', { detail: `The run is ${status}.`, current: status });
