import { type AgentApi, ApiError, type ClaimedTask, type Command } from './api.ts';
import { retryDelay } from './backoff.ts';
import { Stop } from './command.ts';
import type { Log } from './log.ts';
import type { Outcome } from './outcome.ts';
import { sleep } from './sleep.ts';

/** Does the work of one task. The signal aborts when it must stop; its reason is a `Stop`. Should not reject. */
export type Handler = (claimed: ClaimedTask, signal: AbortSignal) => Promise<Outcome>;

export interface TaskRunOptions {
  api: AgentApi;
  handler: Handler;
  log: Log;
  leaseSeconds: number;
  /** When the claim was sent, by `performance.now()`: the lease ends no earlier than its length after this. */
  claimedAt: number;
  onCommands: (commands: readonly Command[]) => void;
  /** Told about every refusal of this task's writes. */
  onRefused: (error: ApiError) => void;
  /** Whether the same write may succeed later. */
  isTemporary: (error: ApiError) => boolean;
}

/** One attempt at one task, from the claim to the plane's answer about how it ended. */
export class TaskRun {
  private readonly claimed: ClaimedTask;
  private readonly options: TaskRunOptions;
  /** Ends the work. */
  private readonly work = new AbortController();
  /** Ends renewing, and trying to deliver the outcome. */
  private readonly end = new AbortController();
  private releasing = false;
  private deadline: number;

  constructor(claimed: ClaimedTask, options: TaskRunOptions) {
    this.claimed = claimed;
    this.options = options;
    this.deadline = options.claimedAt + options.leaseSeconds * 1000;
  }

  private get fields(): { task: string; fence: number } {
    return { task: this.claimed.task.id, fence: this.claimed.lease.fence };
  }

  /** Never rejects. */
  async run(): Promise<void> {
    if (this.work.signal.aborted) return this.release();
    this.options.log('started', this.fields);
    const renewing = this.renewUntilEnd();
    const outcome = await this.attempt();
    if (!this.work.signal.aborted) await this.deliver(outcome);
    else if (this.releasing) await this.release();
    this.end.abort();
    await renewing;
  }

  /** Ends the work without an outcome: the lease is lost, or the agent was killed. */
  stop(why: string, now = false): void {
    if (this.work.signal.aborted && !now) return;
    this.options.log('stopped', { ...this.fields, why });
    this.work.abort(new Stop(why, now));
    if (now) this.end.abort();
  }

  /** Ends the work and gives the task back, so that another agent can take it at once. Before `run`: nothing is begun. */
  giveBack(): void {
    if (this.work.signal.aborted) return;
    this.releasing = true;
    this.stop('given back');
  }

  private async attempt(): Promise<Outcome> {
    try {
      return await this.options.handler(this.claimed, this.work.signal);
    } catch (error) {
      return { kind: 'failed', error: error instanceof Error ? error.message || error.name : String(error), retryable: true };
    }
  }

  private async renewUntilEnd(): Promise<void> {
    const third = (this.options.leaseSeconds * 1000) / 3;
    let failures = 0;
    let wait = third - (performance.now() - this.options.claimedAt);
    while (!this.end.signal.aborted) {
      await sleep(Math.max(0, wait), this.end.signal);
      if (this.end.signal.aborted) return;
      const sentAt = performance.now();
      const error = await this.renewOnce(sentAt);
      if (error && !this.options.isTemporary(error)) return this.leaseRefused(error);
      failures = error ? failures + 1 : 0;
      if (error && performance.now() > this.deadline) this.stop('the lease ended and the plane does not answer');
      wait = error ? Math.min(retryDelay(failures, error.retryAfterMs), third) : third;
    }
  }

  /** @returns what went wrong */
  private async renewOnce(sentAt: number): Promise<ApiError | undefined> {
    const { task, lease } = this.claimed;
    try {
      const commands = await this.options.api.renew(task.id, lease.fence, this.options.leaseSeconds, this.end.signal);
      this.deadline = sentAt + this.options.leaseSeconds * 1000;
      this.options.onCommands(commands);
      return undefined;
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  private leaseRefused(error: ApiError): void {
    if (this.end.signal.aborted) return;
    this.options.log('refused', { ...this.fields, write: 'renew', code: error.code });
    this.stop(error.code);
    this.options.onRefused(error);
  }

  /**
   * Tells the plane until it answers for certain: the same call under the same fence gives the same answer, so a call
   * whose answer was lost is simply repeated. The lease is renewed meanwhile.
   */
  private async deliver(outcome: Outcome): Promise<void> {
    for (let failures = 1; !this.end.signal.aborted; failures++) {
      try {
        await this.send(outcome);
        return this.options.log(
          outcome.kind,
          outcome.kind === 'failed' ? { ...this.fields, error: outcome.error.slice(0, 200) } : this.fields,
        );
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (!this.options.isTemporary(error)) return this.outcomeRefused(outcome, error);
        this.options.onRefused(error);
        await sleep(retryDelay(failures, error.retryAfterMs), this.end.signal);
      }
    }
  }

  private send(outcome: Outcome): Promise<void> {
    const { task, lease } = this.claimed;
    if (outcome.kind === 'completed') return this.options.api.complete(task.id, lease.fence, outcome.result, this.end.signal);
    return this.options.api.fail(task.id, lease.fence, outcome.error, outcome.retryable, this.end.signal);
  }

  private async outcomeRefused(outcome: Outcome, error: ApiError): Promise<void> {
    const write = outcome.kind === 'completed' ? 'complete' : 'fail';
    this.options.log('refused', { ...this.fields, write, code: error.code });
    this.options.onRefused(error);
    if (error.code === 'lease_lost') return;
    // A result that the plane cannot take: the same one again is of no use, and the task must not hang until its lease ends.
    if (outcome.kind === 'completed' && [400, 409, 413, 422].includes(error.status)) {
      await this.deliver({ kind: 'failed', error: `The result was refused: ${error.message}`.slice(0, 1000), retryable: false });
    }
  }

  private async release(): Promise<void> {
    try {
      await this.options.api.release(this.claimed.task.id, this.claimed.lease.fence);
      this.options.log('released', this.fields);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The lease runs out by itself.
      this.options.log('refused', { ...this.fields, write: 'release', code: error.code });
    }
  }
}
