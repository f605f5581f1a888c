import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { Config } from '../config/config.js';
import { RequestContext } from '../context/request-context.js';
import { databaseProblem } from '../database/database-problem.js';
import { type CronSchedule, dueTicks, nextTick, scheduleFault } from './cron-schedule.js';
import { CronTicksRepository, type DueOwner, type TickRow } from './cron-ticks.repository.js';
import { Loops } from './loops.js';

type TickHandler = (ownerId: string, tickAt: Date) => Promise<void>;
/** Why ticks are given up. */
export interface TickFailure {
  code: string;
  message: string;
}
type GivenUpHandler = (ownerId: string, ticks: readonly Date[], failure: TickFailure) => Promise<void>;

const EVERY_MS = 500;
const BATCH = 100;
/** Owners that are dealt with side by side. */
const LANES = 4;
const UNREADABLE_MS = 3_600_000;
/** After so many failures in a row the ticks that are due are given up. */
const MOST_FAILURES = 8;
const LONGEST_ERROR = 1_000;

/**
 * Ticks of what people schedule: a row for each owner with the tick that comes next. It is advanced in the same transaction in which the
 * tick takes effect, by whichever process holds the row, so that no tick takes effect twice, however many look and whenever one dies.
 * While its tenant is suspended nothing ticks; what passed meanwhile was missed.
 */
@Injectable()
export class CronTicks implements OnApplicationBootstrap {
  private readonly logger = new Logger(CronTicks.name);
  private readonly handlers = new Map<string, { tick: TickHandler; givenUp: GivenUpHandler }>();

  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly loops: Loops,
    private readonly repository: CronTicksRepository,
  ) {}

  /**
   * Says what a tick of owners of a kind does; call it in `onModuleInit`. The handler runs in the transaction of the tick and in its
   * tenant: what it changes there happens once. What it throws takes the tick back; it is tried again, later each time.
   * @param givenUp hears of ticks that are not tried again, in the transaction that gives them up: whoever waits for them must learn of it
   */
  define(ownerKind: string, tick: TickHandler, givenUp: GivenUpHandler): void {
    if (this.handlers.has(ownerKind)) throw new Error(`Ticks of ${ownerKind} are defined twice.`);
    this.handlers.set(ownerKind, { tick, givenUp });
  }

  /**
   * Sets the schedule of an owner, or ends it, in the running transaction. The same schedule again changes nothing; another begins now.
   * @throws Problem `unprocessable` for a schedule that is none
   */
  @Transactional()
  async set(ownerKind: string, ownerId: string, schedule: CronSchedule | null): Promise<void> {
    const { tenantId } = this.context;
    const owner = { owner_kind: ownerKind, owner_id: ownerId };
    if (!schedule) return this.repository.remove(tenantId, owner);
    requireSchedule(schedule);
    const known = await this.repository.find(tenantId, owner);
    if (known && known.expression === schedule.expression && known.timezone === schedule.timezone && known.missed === schedule.missed) return;
    await this.repository.save(tenantId, owner, schedule, nextTick(schedule, await this.repository.now()));
  }

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('cron-ticks', EVERY_MS, (signal) => this.round(signal));
  }

  /** Deals with everything that is due: what others deal with meanwhile is left to them. */
  async round(signal?: AbortSignal): Promise<void> {
    for (let isMore = true; isMore && !signal?.aborted; ) {
      const due = await this.repository.due([...this.handlers.keys()], BATCH);
      const isFull = due.length === BATCH;
      const taken = await Promise.all(Array.from({ length: LANES }, () => this.lane(due, signal)));
      isMore = isFull && taken.some((count) => count > 0);
    }
  }

  /** One owner after the other, of those that nobody has begun with. @returns how many there were to deal with */
  private async lane(due: DueOwner[], signal: AbortSignal | undefined): Promise<number> {
    let taken = 0;
    for (let owner = due.shift(); owner && !signal?.aborted; owner = due.shift()) {
      const next = owner;
      if (await this.context.runAsSystem(next.tenant_id, 'cron', () => this.tryTick(next))) taken += 1;
    }
    return taken;
  }

  /** One owner that fails is no reason for the others to wait. */
  private async tryTick(owner: DueOwner): Promise<boolean> {
    try {
      return await this.tick(owner);
    } catch (error) {
      if (databaseProblem(error)?.status === 503) throw error;
      const failures = await this.putOff(owner, error, true).catch((cause: unknown) => {
        this.logger.error({ err: cause, owner: owner.owner_id, kind: owner.owner_kind }, 'That ticks are given up could not be written down.');
        return this.putOff(owner, error, false);
      });
      this.logger.error({ err: error, owner: owner.owner_id, kind: owner.owner_kind, failures }, failures >= MOST_FAILURES ? 'A tick failed for good: it is given up.' : 'A tick failed; it is tried again.');
      return true;
    }
  }

  /** @returns whether there was something to do: nobody else had it */
  @Transactional()
  protected async tick(owner: DueOwner): Promise<boolean> {
    const row = await this.repository.take(owner.tenant_id, owner);
    const handlers = this.handlers.get(owner.owner_kind);
    if (!row || !handlers) return false;
    const { run, next } = dueTicks(row, row.next_at, row.now);
    // Before the handler, which may end the schedule or set another.
    await this.repository.advance(owner.tenant_id, owner, next);
    // It was not missed: it came in time, and failed until it was too late for it.
    const isLate = row.failures > 0 && row.missed === 'skip' && !run.some((at) => at.getTime() === row.next_at.getTime());
    if (isLate) await handlers.givenUp(owner.owner_id, [row.next_at], failureOf(row.failures));
    for (const at of run) await handlers.tick(owner.owner_id, at);
    return true;
  }

  @Transactional()
  protected async putOff(owner: DueOwner, error: unknown, isTold: boolean): Promise<number> {
    const failures = await this.repository.putOff(owner.tenant_id, owner, String(error).replaceAll('\0', '').slice(0, LONGEST_ERROR));
    const row = failures >= MOST_FAILURES ? await this.repository.find(owner.tenant_id, owner) : undefined;
    if (!row) return failures;
    const now = await this.repository.now();
    await this.repository.advance(owner.tenant_id, owner, nextOrLater(row, now));
    if (isTold) await this.handlers.get(owner.owner_kind)?.givenUp(owner.owner_id, ticksOf(row, now), failureOf(failures, error));
    return failures;
  }
}

/** @throws Problem `unprocessable` for a schedule that is none */
export function requireSchedule(schedule: Pick<CronSchedule, 'expression' | 'timezone'>): void {
  const fault = scheduleFault(schedule);
  if (fault) throw new Problem('unprocessable', { detail: `${fault.field} ${fault.message}.`, errors: [{ field: fault.field, code: 'schedule', message: fault.message }] });
}

/** What people may know of it; what went wrong on our side is in the log. */
function failureOf(failures: number, error?: unknown): TickFailure {
  if (error instanceof Problem && error.status < 500) return { code: error.code, message: error.message };
  return { code: 'internal', message: `The tick failed ${failures} times, as something went wrong on our side: it is given up.` };
}

/** Those that are due, at least the first. */
function ticksOf(row: TickRow, now: Date): Date[] {
  try {
    const { run } = dueTicks(row, row.next_at, now);
    return run.length > 0 ? run : [row.next_at];
  } catch {
    return [row.next_at];
  }
}

/** Of a schedule that cannot be read any more, such as one of a time zone that is gone, no tick: it is looked at again later. */
function nextOrLater(schedule: CronSchedule, now: Date): Date {
  try {
    return nextTick(schedule, now);
  } catch {
    return new Date(now.getTime() + UNREADABLE_MS);
  }
}
