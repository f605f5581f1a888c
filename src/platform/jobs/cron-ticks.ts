import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { Config } from '../config/config.js';
import { RequestContext } from '../context/request-context.js';
import { databaseProblem } from '../database/database-problem.js';
import { type CronSchedule, dueTicks, nextTick, scheduleFault } from './cron-schedule.js';
import { CronTicksRepository, type DueOwner } from './cron-ticks.repository.js';
import { Loops } from './loops.js';

type TickHandler = (ownerId: string, tickAt: Date) => Promise<void>;

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
  private readonly handlers = new Map<string, TickHandler>();

  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly loops: Loops,
    private readonly repository: CronTicksRepository,
  ) {}

  /**
   * Says what a tick of owners of a kind does; call it in `onModuleInit`. The handler runs in the transaction of the tick and in its
   * tenant: what it changes there happens once. What it throws takes the tick back; it is tried again, later each time.
   */
  define(ownerKind: string, handler: TickHandler): void {
    if (this.handlers.has(ownerKind)) throw new Error(`Ticks of ${ownerKind} are defined twice.`);
    this.handlers.set(ownerKind, handler);
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
      const failures = await this.putOff(owner, error);
      this.logger.error({ err: error, owner: owner.owner_id, kind: owner.owner_kind, failures }, failures >= MOST_FAILURES ? 'A tick failed for good: it is given up.' : 'A tick failed; it is tried again.');
      return true;
    }
  }

  /** @returns whether there was something to do: nobody else had it */
  @Transactional()
  protected async tick(owner: DueOwner): Promise<boolean> {
    const row = await this.repository.take(owner.tenant_id, owner);
    const handler = this.handlers.get(owner.owner_kind);
    if (!row || !handler) return false;
    const { run, next } = dueTicks(row, row.next_at, row.now);
    // Before the handler, which may end the schedule or set another.
    await this.repository.advance(owner.tenant_id, owner, next);
    for (const at of run) await handler(owner.owner_id, at);
    return true;
  }

  @Transactional()
  protected async putOff(owner: DueOwner, error: unknown): Promise<number> {
    const failures = await this.repository.putOff(owner.tenant_id, owner, String(error).replaceAll('\0', '').slice(0, LONGEST_ERROR));
    if (failures >= MOST_FAILURES) {
      const row = await this.repository.find(owner.tenant_id, owner);
      if (row) await this.repository.advance(owner.tenant_id, owner, nextOrLater(row, await this.repository.now()));
    }
    return failures;
  }
}

/** @throws Problem `unprocessable` for a schedule that is none */
export function requireSchedule(schedule: Pick<CronSchedule, 'expression' | 'timezone'>): void {
  const fault = scheduleFault(schedule);
  if (fault) throw new Problem('unprocessable', { detail: `${fault.field} ${fault.message}.`, errors: [{ field: fault.field, code: 'schedule', message: fault.message }] });
}

/** Of a schedule that cannot be read any more, such as one of a time zone that is gone, no tick: it is looked at again later. */
function nextOrLater(schedule: CronSchedule, now: Date): Date {
  try {
    return nextTick(schedule, now);
  } catch {
    return new Date(now.getTime() + UNREADABLE_MS);
  }
}
