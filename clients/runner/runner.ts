import { EventEmitter, once } from 'node:events';
import { type AgentApi, ApiError, type ClaimedTask, type Command } from './api.ts';
import { retryDelay } from './backoff.ts';
import type { Log } from './log.ts';
import { sleep } from './sleep.ts';
import { type Handler, TaskRun } from './task-run.ts';
import type { Token } from './token.ts';

export interface RunnerOptions {
  api: AgentApi;
  token: Token;
  handler: Handler;
  log: Log;
  concurrency: number;
  leaseSeconds: number;
  waitSeconds: number;
  boardId?: string;
  /** How often a runner that may not work asks whether it may again; ms. */
  askAgainMs?: number;
}

type Mode = 'working' | 'paused' | 'killed';
/** Refusals that stand until an operator acts. */
const SHUT_OUT = new Set(['agent_killed', 'agent_inactive', 'tenant_suspended']);
/** Refuses a completion until a person has decided. */
const UNDECIDED = 'approval_pending';

/** Takes tasks from a plane and has the handler do them, a few at a time. */
export class Runner {
  private readonly options: RunnerOptions;
  private readonly runs = new Map<TaskRun, Promise<void>>();
  private readonly changed = new EventEmitter();
  /** No more claims. */
  private readonly draining = new AbortController();
  /** Nothing runs any more. */
  private readonly over = new AbortController();
  private mode: Mode = 'working';
  private claiming = new AbortController();
  /** Ends the pause before the next sign of life. */
  private resting = new AbortController();
  private failure: ApiError | undefined;

  constructor(options: RunnerOptions) {
    this.options = options;
    this.changed.setMaxListeners(0);
  }

  /**
   * Works until drained.
   * @throws ApiError when the plane does not know the token
   */
  async run(): Promise<void> {
    const beating = this.beatUntilOver();
    const claiming = this.claimUntilDrained();
    await Promise.race([claiming, once(this.draining.signal, 'abort')]);
    while (this.runs.size > 0) await Promise.race(this.runs.values());
    // A claim that still waits has handed out nothing.
    this.claiming.abort();
    await claiming;
    while (this.runs.size > 0) await Promise.race(this.runs.values());
    this.over.abort();
    await beating;
    if (this.failure) throw this.failure;
    await this.signOff();
  }

  /** Otherwise the plane takes three missed heartbeats to notice. */
  private async signOff(): Promise<void> {
    try {
      await this.options.api.heartbeat('offline', AbortSignal.timeout(2_000));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.options.log('sign-off refused', { code: error.code });
    }
  }

  /** Finishes what runs and takes nothing more. */
  drain(): void {
    if (this.draining.signal.aborted) return;
    this.options.log('draining', { running: this.runs.size });
    this.draining.abort();
    this.changed.emit('changed');
  }

  /** Stops what runs and gives it back. */
  giveBackAll(): void {
    this.drain();
    for (const run of this.runs.keys()) run.giveBack();
  }

  private async claimUntilDrained(): Promise<void> {
    let failures = 0;
    while (!this.draining.signal.aborted) {
      if (this.mode === 'killed' || this.runs.size >= this.options.concurrency) {
        await once(this.changed, 'changed');
        continue;
      }
      if (this.mode === 'paused' && !(await this.askAgain())) continue;
      const claimedAt = performance.now();
      try {
        const items = await this.claim();
        failures = 0;
        // The plane hands nothing to a paused agent: the command to resume was lost on its way.
        if (items.length > 0 && this.mode === 'paused') this.become('working');
        for (const claimed of items) this.start(claimed, claimedAt);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (this.claiming.signal.aborted || this.draining.signal.aborted) continue;
        failures += 1;
        await this.claimRefused(error, failures);
      }
    }
  }

  /** Waits a while. @returns whether it is time to ask for work although paused */
  private async askAgain(): Promise<boolean> {
    const changed = new AbortController();
    this.changed.once('changed', () => changed.abort());
    await sleep(this.askAgainMs, changed.signal);
    return !changed.signal.aborted;
  }

  private async claim(): Promise<ClaimedTask[]> {
    const { api, concurrency, leaseSeconds, waitSeconds, boardId } = this.options;
    this.claiming = new AbortController();
    const max = Math.min(100, concurrency - this.runs.size);
    const wait = this.mode === 'paused' ? 0 : waitSeconds;
    const wish = { max, lease_seconds: leaseSeconds, wait_seconds: wait, ...(boardId ? { board_id: boardId } : {}) };
    return api.claim(wish, this.claiming.signal);
  }

  private start(claimed: ClaimedTask, claimedAt: number): void {
    const { api, handler, log, leaseSeconds } = this.options;
    const run = new TaskRun(claimed, {
      api,
      handler,
      log,
      leaseSeconds,
      claimedAt,
      onCommands: (commands) => this.obey(commands),
      onRefused: (error) => this.refused(error),
      isTemporary: (error) => error.isTransient || error.code === UNDECIDED || (error.status === 401 && this.options.token.canChange),
    });
    // It arrived while we were told to stop: another agent can have it at once.
    if (this.draining.signal.aborted || this.mode === 'killed') run.giveBack();
    const ended = run.run().finally(() => {
      this.runs.delete(run);
      this.changed.emit('changed');
    });
    this.runs.set(run, ended);
  }

  private async claimRefused(error: ApiError, failures: number): Promise<void> {
    this.refused(error);
    if (this.mode === 'killed' || error.code === 'agent_paused') return this.become(this.mode === 'killed' ? 'killed' : 'paused');
    const wait = error.isTransient ? retryDelay(failures, error.retryAfterMs) : Math.max(this.askAgainMs, error.retryAfterMs);
    this.options.log('claim refused', { code: error.code, detail: error.message, wait_ms: wait });
    await sleep(wait, this.draining.signal);
  }

  private get askAgainMs(): number {
    // Some jitter, so that a fleet that was stopped together does not ask together.
    return (this.options.askAgainMs ?? 5_000) * (0.75 + Math.random() / 2);
  }

  /** Tells the plane that we live, and hears what it wants of us. Also how a killed agent learns that it may work again. */
  private async beatUntilOver(): Promise<void> {
    let failures = 0;
    while (!this.over.signal.aborted) {
      let wait: number;
      try {
        const answer = await this.options.api.heartbeat('online', this.over.signal);
        failures = 0;
        if (this.mode === 'killed') this.become('working');
        this.obey(answer.commands);
        wait = this.mode === 'working' ? answer.nextMs : Math.min(this.askAgainMs, answer.nextMs);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (this.over.signal.aborted) return;
        failures += 1;
        this.refused(error);
        wait = error.isTransient ? retryDelay(failures, error.retryAfterMs) : this.askAgainMs;
      }
      this.resting = new AbortController();
      await sleep(wait, AbortSignal.any([this.over.signal, this.resting.signal]));
    }
  }

  private obey(commands: readonly Command[]): void {
    for (const command of commands) {
      this.options.log('command', { command });
      if (command === 'pause') this.become('paused');
      else if (command === 'resume') this.become('working');
      else if (command === 'kill') this.become('killed');
      else this.rotate();
    }
  }

  private rotate(): void {
    if (this.options.token.reload()) this.options.log('token reloaded');
    else if (!this.options.token.canChange)
      this.options.log('the token will stop working soon: start again with the new one, or use --token-file');
  }

  private become(mode: Mode): void {
    if (this.mode === mode) return;
    this.mode = mode;
    this.options.log(mode);
    if (mode !== 'working') this.claiming.abort();
    this.resting.abort();
    if (mode === 'killed') for (const run of this.runs.keys()) run.stop('the agent was killed', true);
    this.changed.emit('changed');
  }

  private refused(error: ApiError): void {
    if (SHUT_OUT.has(error.code)) this.become('killed');
    else if (error.status === 401) this.unknownToken(error);
  }

  /** With a token file a new token may come any moment; without, there is nothing to wait for. */
  private unknownToken(error: ApiError): void {
    if (this.options.token.canChange) return this.rotate();
    if (this.failure) return;
    this.failure = error;
    for (const run of this.runs.keys()) run.stop('the plane does not know the token', true);
    this.drain();
    this.claiming.abort();
  }
}
