import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../../core/clock.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { Config } from '../../platform/config/config.js';
import { Batcher } from '../../platform/database/batcher.js';
import { isDatabaseAway } from '../../platform/database/database-problem.js';
import { Loops } from '../../platform/jobs/loops.js';
import { DeliveryCall } from './delivery-call.js';
import { judge } from './delivery-judgement.js';
import { type LaneKeeper, LaneRun, MOST_FAILURES } from './lane-run.js';
import { type CountedLane, type DueDelivery, type Ending, type Lane, WebhookLanesRepository } from './webhook-lanes.repository.js';
import { WebhookHealthService } from './webhook-health.service.js';
import { WebhookMetrics } from './webhook-metrics.js';
import { WebhookSignal } from './webhook-signal.js';
import { webhookTag } from './webhook-tags.js';

const LOOK_MS = 500;
/** A third of what a lease lasts. */
const RENEW_MS = 10_000;
const SILENCE_MS = 2_000;
const MOST_LANES = 500;
/** A tenant with many receivers leaves others their lanes. */
const MOST_LANES_OF_TENANT = 100;
const MOST_UNDER_WAY = 256;
/** Receivers of one tenant that hang leave the others their places. */
const MOST_OF_TENANT = 64;
const ENDINGS_AT_ONCE = 200;
const WRITERS = 2;
/** At the end of the process calls that are under way get so long to end. */
const LAST_CALLS_MS = 5_000;
const LONGEST_REST_MS = 60_000;

/** What a breaker holds back is not asked for one by one, and a receiver that fails again and again is left alone for a growing while. */
function restAfter({ failures }: Lane, { attempt, status, pauseMs }: Ending): number {
  if (attempt === undefined) return pauseMs;
  return status === 'delivered' || failures < MOST_FAILURES ? 0 : Math.min(LONGEST_REST_MS, 1_000 * 2 ** (failures - MOST_FAILURES));
}

const nameOf = ({ tenant_id, id }: Pick<Lane, 'tenant_id' | 'id'>): string => `${tenant_id} ${id}`;

/**
 * Sends what is due. A process takes lanes, one for each subscription, for as long as something is due in them; nobody else works
 * on a lane meanwhile, so that its limit and its order hold whichever processes there are. One that dies has its lanes taken
 * over within ten seconds, and what it had not stored is sent again.
 */
@Injectable()
export class DeliverySender implements OnApplicationBootstrap, BeforeApplicationShutdown, LaneKeeper {
  private readonly logger = new Logger(DeliverySender.name);
  private readonly runs = new Map<string, LaneRun>();
  private readonly ofTenant = new Map<string, number>();
  private readonly endings = new Batcher<Ending, CountedLane | undefined>((_key, endings) => this.write(endings), ENDINGS_AT_ONCE, WRITERS, { concernsAll: isDatabaseAway });
  private underWay = 0;
  /** Processes that were silent at the last look. */
  private silent: ReadonlySet<string> = new Set();
  /** Lanes that are to be let go of. */
  private readonly left = new Map<string, Lane>();
  /** Lanes that were dropped since the last look began. */
  private readonly dropped = new Set<string>();
  private releasing: Promise<void> | undefined;
  private looking: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly loops: Loops,
    private readonly lanes: WebhookLanesRepository,
    private readonly call: DeliveryCall,
    private readonly health: WebhookHealthService,
    private readonly metrics: WebhookMetrics,
    private readonly revocations: Revocations,
    private readonly signal: WebhookSignal,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsJobs) return;
    this.revocations.onRevoked((tags) => this.revoked(tags));
    this.signal.onRaised(() => void this.wake());
    this.loops.every('webhook-lanes', LOOK_MS, () => this.wake());
    this.loops.every('webhook-leases', RENEW_MS, () => this.renew());
    this.loops.every('webhook-orphans', SILENCE_MS, () => this.adopt());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await this.looking;
    const deadline = this.clock.monotonicMs() + LAST_CALLS_MS;
    while (this.underWay > 0 && this.clock.monotonicMs() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    this.drop([...this.runs.values()].map(({ lane }) => lane));
    while (this.underWay > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await this.release();
  }

  read(lane: Lane, underWay: readonly string[], most: number): Promise<DueDelivery[]> {
    return this.lanes.due(lane, underWay, most).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'What is due for a webhook could not be read; it is tried again.');
      throw error;
    });
  }

  admits(tenantId: string): boolean {
    return !this.stopped && this.underWay < MOST_UNDER_WAY && (this.ofTenant.get(tenantId) ?? 0) < MOST_OF_TENANT;
  }

  async deliver(lane: Lane, delivery: DueDelivery, signal: AbortSignal): Promise<void> {
    this.count(lane.tenant_id, 1);
    try {
      const end = await this.call.make(delivery, signal);
      const ending = judge(delivery, end, lane.failures > 0, this.clock.now());
      if (!ending) return;
      this.metrics.ended(ending.attempt === undefined ? 'put_off' : ending.status === 'pending' ? 'failed' : ending.status, ending.attempt?.duration_ms ?? 0);
      const counted = await this.endings.add('', ending);
      if (counted) lane.failures = counted.failures;
      const restMs = restAfter(lane, ending);
      if (restMs > 0) this.runs.get(nameOf(lane))?.rest(restMs);
      if (delivery.webhook_id && (ending.gone || counted?.too_long)) await this.health.disable(delivery.tenant_id, delivery.webhook_id, ending.gone ? 'gone' : 'failing');
    } catch (error) {
      this.logger.error({ err: error, delivery: delivery.id }, 'A delivery of a webhook failed within; it is tried again.');
      this.drop([lane]);
    } finally {
      this.count(lane.tenant_id, -1);
      // Other lanes may wait for the place.
      if (this.underWay >= MOST_UNDER_WAY - 1 || (this.ofTenant.get(lane.tenant_id) ?? 0) >= MOST_OF_TENANT - 1) this.runs.forEach((run) => run.go());
    }
  }

  idle(run: LaneRun): void {
    if (this.runs.get(nameOf(run.lane)) === run) this.drop([run.lane]);
  }

  private wake(): Promise<void> {
    if (this.stopped) return Promise.resolve();
    if (this.looking) this.again = true;
    this.looking ??= this.look()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'Looking for deliveries of webhooks failed; it is tried again.'))
      .finally(() => {
        this.looking = undefined;
        if (!this.again) return;
        this.again = false;
        void this.wake();
      });
    return this.looking;
  }

  private async look(): Promise<void> {
    await this.release();
    this.dropped.clear();
    const held = Map.groupBy(this.runs.values(), ({ lane }) => lane.tenant_id);
    const enoughOf = [...held].flatMap(([tenantId, runs]) => (runs.length >= MOST_LANES_OF_TENANT ? [tenantId] : []));
    for (const lane of await this.lanes.claim(this.revocations.processId, MOST_LANES, { others: this.runs.size < MOST_LANES, enoughOf, mostOfTenant: MOST_LANES_OF_TENANT })) {
      if (this.dropped.has(nameOf(lane))) {
        // It may have been let go of before it was claimed once more.
        this.drop([lane]);
        continue;
      }
      const known = this.runs.get(nameOf(lane));
      if (known) known.lane.failures = lane.failures;
      const run = known ?? new LaneRun(lane, this);
      this.runs.set(nameOf(lane), run);
      run.wake();
    }
  }

  /** What was held by a process that stood still, and is another's now, is let go of. */
  private async renew(): Promise<void> {
    if (this.runs.size === 0) return;
    const before = [...this.runs.values()];
    const held = new Set((await this.lanes.renew(this.revocations.processId, before.map(({ lane }) => lane))).map(nameOf));
    for (const run of before) {
      if (held.has(nameOf(run.lane))) {
        // What was to be tried again may be due meanwhile.
        run.wake();
        continue;
      }
      run.stop();
      if (this.runs.get(nameOf(run.lane)) === run) this.runs.delete(nameOf(run.lane));
    }
  }

  /** A process is dead when it was silent at two looks: one alone could be a database that stood still for all of them. */
  private async adopt(): Promise<void> {
    const silent = (await this.lanes.silent()).filter((id) => id !== this.revocations.processId);
    const dead = silent.filter((id) => this.silent.has(id));
    this.silent = new Set(silent);
    if (dead.length === 0) return;
    await this.lanes.leave(dead);
    void this.wake();
  }

  /** A subscription was disabled, deleted or pointed elsewhere, or its tenant suspended: what is under way to it ends here, before whoever did it is answered. */
  private revoked(tags: readonly string[]): void {
    const wanted = new Set(tags);
    const hit = [...this.runs.values()].filter(({ lane }) => (lane.webhook_id !== null && wanted.has(webhookTag(lane.webhook_id))) || wanted.has(`tenant:${lane.tenant_id}`));
    if (hit.length > 0) this.drop(hit.map(({ lane }) => lane));
  }

  private drop(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      const name = nameOf(lane);
      this.runs.get(name)?.stop();
      this.runs.delete(name);
      this.dropped.add(name);
      this.left.set(name, lane);
    }
    setImmediate(() => void this.release());
  }

  /** Lets go of what was dropped; what is due there wakes whoever comes next. Where that fails, the leases end by themselves. */
  private release(): Promise<void> {
    this.releasing ??= this.releaseAll()
      .catch((error: unknown) => this.logger.warn(`Lanes of webhooks could not be let go of: ${String(error)}`))
      .finally(() => (this.releasing = undefined));
    return this.releasing;
  }

  private async releaseAll(): Promise<void> {
    while (this.left.size > 0) {
      const lanes = [...this.left.values()];
      this.left.clear();
      await this.lanes.release(this.revocations.processId, lanes);
    }
  }

  private async write(endings: readonly Ending[]): Promise<(CountedLane | undefined)[]> {
    const counted = new Map((await this.lanes.end(endings)).map((lane) => [nameOf(lane), lane]));
    return endings.map(({ delivery }) => counted.get(nameOf({ tenant_id: delivery.tenant_id, id: delivery.lane })));
  }

  private count(tenantId: string, by: 1 | -1): void {
    this.underWay += by;
    const left = (this.ofTenant.get(tenantId) ?? 0) + by;
    if (left === 0) this.ofTenant.delete(tenantId);
    else this.ofTenant.set(tenantId, left);
  }
}
