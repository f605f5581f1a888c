import { Injectable } from '@nestjs/common';
import { type LimitedThing, LIMIT_NAMES, LIMITED_THINGS, type LimitName, limitOf, type Limits } from '../../core/plan-limits.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { planLimitReached, PlanLimits, type Room } from '../../platform/limits/plan-limits.port.js';
import { PlanLimitsRepository, type TenantPlan } from './plan-limits.repository.js';
import { PlanLimitReached } from './tenants.events.js';

/** What a tenant may have of something, and has. */
export interface Usage {
  name: LimitName;
  limit: number | null;
  /** Null for what is not counted in rows. */
  used: number | null;
}

/** Beyond the limit so many are counted for the refusal to tell: a tenant may have more since its limit was lowered. */
const COUNT_BEYOND = 1_000;

/** The tag of answers that rest on what the tenant may have. */
export const planTag = (tenantId: string): string => `plan-of:${tenantId}`;

/**
 * Holds tenants to what their plan allows. Whether there is a limit is known by heart (and forgotten everywhere before a
 * change of it is answered); where there is one, those who make such things in the tenant go one after the other, and
 * limit and number are read in their own transactions.
 */
@Injectable()
export class PlanLimitsService extends PlanLimits {
  private readonly known: RevocableCache<TenantPlan>;
  private readonly counted = new Map<LimitedThing, string>();
  private readonly plans: Readonly<Record<string, Limits>>;

  constructor(
    private readonly context: RequestContext,
    private readonly repository: PlanLimitsRepository,
    private readonly events: Events,
    config: Config,
    revocations: Revocations,
  ) {
    super();
    this.plans = config.get('PLAN_LIMITS');
    this.known = revocations.cache((id) => this.repository.find(id), ({ id }) => [planTag(id)]);
  }

  countBy(thing: LimitedThing, from: string): void {
    this.counted.set(thing, from);
  }

  async admit(thing: LimitedThing): Promise<void> {
    await this.take(thing, await this.room(thing));
  }

  async take(thing: LimitedThing, room: Room | undefined): Promise<void> {
    if (!room) return;
    if (room.current >= room.limit) throw planLimitReached(thing, room);
    room.current += 1;
    if (room.current === room.limit) await this.events.publish(PlanLimitReached, { limit_name: thing, limit: room.limit });
  }

  async room(thing: LimitedThing): Promise<Room | undefined> {
    const { tenantId } = this.context;
    if (this.most(thing, await this.known.get(tenantId)) === undefined) return undefined;
    await this.repository.lock(tenantId, [thing]);
    const limit = this.most(thing, await this.repository.read(tenantId));
    return limit === undefined ? undefined : { limit, current: await this.repository.count(tenantId, this.fromOf(thing), limit + COUNT_BEYOND) };
  }

  async requestsPerMinute(tenantId: string): Promise<number | undefined> {
    return this.most('requests_per_minute', await this.known.get(tenantId));
  }

  /** Waits for those who are making things under the limits of now; others wait until the running transaction ends. */
  hold(tenantId: string): Promise<void> {
    return this.repository.lock(tenantId, LIMITED_THINGS);
  }

  /** Each limit of the running tenant, and its use. */
  async usage(plan: TenantPlan): Promise<Usage[]> {
    const usages: Usage[] = [];
    for (const name of LIMIT_NAMES) {
      const used = name === 'requests_per_minute' ? null : await this.repository.count(plan.id, this.fromOf(name));
      usages.push({ name, limit: this.most(name, plan) ?? null, used });
    }
    return usages;
  }

  private most(name: LimitName, plan: TenantPlan | undefined): number | undefined {
    return plan && (limitOf(name, plan.limits, this.plans[plan.plan]) ?? undefined);
  }

  private fromOf(thing: LimitedThing): string {
    const from = this.counted.get(thing);
    if (from === undefined) throw new Error(`Nobody has said how ${thing} are counted.`);
    return from;
  }
}
