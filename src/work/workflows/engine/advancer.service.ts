import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { advance } from '../../../core/workflows/transition.js';
import { Config } from '../../../platform/config/config.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { isDatabaseAway, tookTooLong } from '../../../platform/database/database-problem.js';
import { errorText } from '../../../platform/startup-error.js';
import { Loops } from '../../../platform/jobs/loops.js';
import { Consequences } from './consequences.service.js';
import { GivingUp } from './giving-up.service.js';
import { RunMover } from './run-mover.js';
import { RunSignal } from './run-signal.js';
import { MOST_BREAKAGES, RunsRepository } from './runs.repository.js';

const TURN_MS = 200;
/** Runs, and facts and steps, that one look finds. */
const MOST_RUNS = 200;
const MOST_FACTS = 500;
/** Runs in one transaction. */
const TOGETHER = 20;
const LONGEST_BREAKAGE = 2_000;

/**
 * Moves runs on: any process any run, each run by one process at a time, its transition in one transaction with all that follows
 * from it. Woken when something has happened, and five times a second anyway. A run that breaks takes no other with it.
 */
@Injectable()
export class Advancer implements OnApplicationBootstrap {
  private readonly logger = new Logger(Advancer.name);
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly loops: Loops,
    private readonly signal: RunSignal,
    private readonly runs: RunsRepository,
    private readonly mover: RunMover,
    private readonly consequences: Consequences,
    private readonly givingUp: GivingUp,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsJobs) return;
    this.loops.every('workflow-runs', TURN_MS, () => this.wake());
    this.signal.onRaised(() => {
      this.wake().catch((error: unknown) => this.logger.warn(`Runs are not moved on: ${errorText(error)}`));
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await this.running?.catch(() => undefined);
  }

  /** Moves on all there is; who wakes it meanwhile is served by one more round. */
  private async wake(): Promise<void> {
    if (this.stopped) return;
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.rounds().finally(() => (this.running = undefined));
    return this.running;
  }

  private async rounds(): Promise<void> {
    do {
      this.again = false;
      while (!this.stopped && (await this.round()) > 0);
    } while (this.again && !this.stopped);
  }

  /** @returns how many runs were moved on */
  private async round(): Promise<number> {
    let moved = 0;
    const failures = new Map<string, Error>();
    for (const [tenantId, ids] of inTurns(await this.runs.due(MOST_RUNS, MOST_FACTS))) {
      // What keeps the runs of one tenant from moving keeps no other tenant's.
      if (this.stopped || failures.has(tenantId)) continue;
      await this.context.runAsSystem(tenantId, 'workflows', async () => {
        moved += await this.moveSome(ids);
      }).catch((error: unknown) => void failures.set(tenantId, error instanceof Error ? error : new Error(String(error))));
    }
    const [failure] = failures.values();
    if (failure && moved === 0) throw failure;
    return moved;
  }

  private async moveSome(ids: readonly string[]): Promise<number> {
    try {
      const { moved, left } = await this.move(ids);
      // Before the first one gets another turn: one that always has something to do holds up nobody.
      return left.length === 0 || this.stopped ? moved : moved + (await this.moveSome(left));
    } catch (error) {
      if (isDatabaseAway(error) && !tookTooLong(error)) throw error;
      if (ids.length === 1) {
        await this.setAside(ids[0] ?? '', error);
        return 0;
      }
    }
    // What is wrong with one of them is no reason to keep the others.
    let moved = 0;
    for (const id of ids) moved += await this.moveSome([id]);
    return moved;
  }

  /** @returns how many were moved on, and which of them there was no time for */
  @Transactional()
  protected async move(ids: readonly string[]): Promise<{ moved: number; left: readonly string[] }> {
    const held = await this.runs.hold(this.context.tenantId, ids);
    if (held.length === 0) return { moved: 0, left: [] };
    const moved = await this.mover.move(held, advance);
    await this.consequences.of(moved);
    return { moved: moved.length, left: held.slice(moved.length).map(({ id }) => id) };
  }

  /** One that has broken for about an hour is given up: whoever waits for it shall know. */
  private async setAside(id: string, error: unknown): Promise<void> {
    const said = errorText(error).slice(0, LONGEST_BREAKAGE);
    const breakages = await this.markBroken(id, said);
    this.logger.error({ err: error, run: id, breakages }, 'A run could not be moved on; it is tried again later.');
    // One that only takes too long is not to blame when the database is slow for all.
    if (breakages < MOST_BREAKAGES || tookTooLong(error)) return;
    await this.givingUp.giveUp(id, said, breakages).catch((failure: unknown) => this.logger.error({ err: failure, run: id }, 'A run that breaks could not be given up either.'));
  }

  @Transactional()
  protected markBroken(id: string, said: string): Promise<number> {
    return this.runs.markBroken(this.context.tenantId, id, said);
  }
}

/** So many runs of a tenant at a time, then those of the next. */
function* inTurns(byTenant: ReadonlyMap<string, readonly string[]>): Generator<[tenantId: string, ids: readonly string[]]> {
  const most = Math.max(0, ...[...byTenant.values()].map(({ length }) => length));
  for (let at = 0; at < most; at += TOGETHER) {
    for (const [tenantId, ids] of byTenant) if (at < ids.length) yield [tenantId, ids.slice(at, at + TOGETHER)];
  }
}
