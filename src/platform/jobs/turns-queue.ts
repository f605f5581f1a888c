import { Logger } from '@nestjs/common';
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import { errorText } from '../startup-error.js';
import type { Definition, Envelope } from './job.js';
import { turnOf } from './turns.js';

const LOOK_MS = 2_000;

type Job = JobWithMetadata<Envelope>;

/** A job that this process works on. */
interface Held {
  job: Job;
  since: number;
  stop: AbortController;
  ended: Promise<void>;
}

/**
 * The work of one process on a queue in which tenants take turns. The jobs are those of pg-boss, with its retries, heartbeats and dead
 * letters; only which is next is decided here. One look serves all places: it costs the same when there is nothing to do, however many there are.
 */
export class TurnsQueue {
  private readonly logger = new Logger(TurnsQueue.name);
  private readonly held = new Map<string, Held>();
  private readonly underWay = new Map<string, number>();
  private looking: Promise<void> | undefined;
  private again = false;
  private stopped = false;
  private timers: NodeJS.Timeout[] = [];

  /** @param run makes a job; whoever looks knows by a rejection that it has failed */
  constructor(
    private readonly boss: PgBoss,
    private readonly definition: Definition,
    private readonly run: (job: Job) => Promise<void>,
  ) {}

  start(): void {
    const beatMs = (this.definition.options.heartbeatSeconds ?? 60) * 500;
    this.timers = [setInterval(() => this.wake(), LOOK_MS), setInterval(() => void this.beat(), beatMs)];
    this.wake();
  }

  /** There may be something to do, or a place is free. */
  wake(): void {
    if (this.stopped) return;
    if (this.looking) {
      this.again = true;
      return;
    }
    this.again = false;
    this.looking = this.look()
      .catch((error: unknown) => this.logger.warn(`Jobs ${this.definition.name}: ${errorText(error)}`))
      .finally(() => {
        this.looking = undefined;
        if (this.again) this.wake();
      });
  }

  /** Begins nothing more. What has not ended in time is given back and made again elsewhere. */
  async stop(milliseconds: number): Promise<void> {
    this.stopped = true;
    clearInterval(this.timers[0]);
    await this.looking;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), milliseconds);
    await Promise.race([Promise.all([...this.held.values()].map(({ ended }) => ended)), new Promise((resolve) => late.signal.addEventListener('abort', resolve))]);
    clearTimeout(timer);
    this.timers.forEach(clearInterval);
    const left = [...this.held.values()];
    if (left.length === 0) return;
    left.forEach(({ stop }) => stop.abort());
    await this.boss.fail(this.definition.name, left.map(({ job }) => job), new Error('The process ended.'));
  }

  private async look(): Promise<void> {
    for (;;) {
      const { full, most } = turnOf(this.underWay, this.definition.options.concurrency ?? 1);
      if (most === 0 || this.stopped) return;
      const jobs = await this.boss.fetch<Envelope>(this.definition.name, { batchSize: most, includeMetadata: true, ignoreGroups: full });
      for (const job of jobs) this.begin(job);
      if (jobs.length < most) return;
    }
  }

  private begin(job: Job): void {
    const stop = new AbortController();
    job.signal = stop.signal;
    this.count(job.data.tenant_id, 1);
    this.held.set(job.id, { job, stop, since: performance.now(), ended: this.make(job) });
  }

  private async make(job: Job): Promise<void> {
    try {
      await this.run(job).then(
        () => this.boss.complete(this.definition.name, job),
        (error: unknown) => this.boss.fail(this.definition.name, job, error instanceof Error ? error : new Error(String(error))),
      );
    } catch (error) {
      // Without heartbeats it is made again.
      this.logger.warn(`How a job ${this.definition.name} ended could not be noted: ${errorText(error)}`);
    } finally {
      this.held.delete(job.id);
      this.count(job.data.tenant_id, -1);
      this.wake();
    }
  }

  /** Says that the jobs are worked on, and stops those that have taken too long or that somebody else has by now. */
  private async beat(): Promise<void> {
    const held = [...this.held.values()];
    if (held.length === 0) return;
    const now = performance.now();
    for (const { job, since, stop } of held) if (now - since > job.expireInSeconds * 1_000) stop.abort();
    try {
      // Which jobs it found is not in its type.
      const { settled } = (await this.boss.touch(this.definition.name, held.map(({ job }) => job))) as { settled?: string[] };
      if (settled) held.filter(({ job }) => !settled.includes(job.id)).forEach(({ stop }) => stop.abort());
    } catch (error) {
      this.logger.warn(`Jobs ${this.definition.name}: ${errorText(error)}`);
    }
  }

  private count(tenantId: string, by: 1 | -1): void {
    const now = (this.underWay.get(tenantId) ?? 0) + by;
    if (now === 0) this.underWay.delete(tenantId);
    else this.underWay.set(tenantId, now);
  }
}
