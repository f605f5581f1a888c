import type { LimitedThing } from '../../core/plan-limits.js';
import { Problem } from '../../core/problem.js';

/** How many of a thing the tenant may have, and has. */
export interface Room {
  limit: number;
  /** Exact up to a thousand beyond the limit. */
  current: number;
}

/** What a tenant may have at most. The domain that makes a thing asks in the transaction that makes it. */
export abstract class PlanLimits {
  /**
   * Says how a thing is counted; the domain that makes it calls this at start.
   * @param from SQL from the FROM on; `$1` is the tenant
   */
  abstract countBy(thing: LimitedThing, from: string): void;

  /**
   * Makes sure that the running tenant may have one more. Where there is a limit, nobody else makes such a thing in the
   * tenant until the running transaction ends; where there is none, nothing is held and nothing is asked.
   * @throws Problem `plan_limit_reached`
   */
  abstract admit(thing: LimitedThing): Promise<void>;

  /** The same for who makes several, each of which `take`s some of it: what there is room for. Undefined without a limit. */
  abstract room(thing: LimitedThing): Promise<Room | undefined>;

  /**
   * Takes the room for one, in the transaction that asked for it.
   * @throws Problem `plan_limit_reached`, with nothing taken
   */
  abstract take(thing: LimitedThing, room: Room | undefined): Promise<void>;

  /** How many requests a minute the tenant's callers may make together; undefined for any number. */
  abstract requestsPerMinute(tenantId: string): Promise<number | undefined>;
}

/** The refusal of what there is no room for. */
export function planLimitReached(thing: LimitedThing, { limit, current }: Room): Problem {
  return new Problem('plan_limit_reached', {
    detail: `The plan allows ${limit} ${thing.replaceAll('_', ' ')}, and there are ${current}.`,
    limit,
    current,
    extra: { limit_name: thing },
  });
}
