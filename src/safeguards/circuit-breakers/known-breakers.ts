import { Injectable } from '@nestjs/common';
import { Clock } from '../../core/clock.js';
import { Revocations } from '../../platform/cache/revocations.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { databaseProblem } from '../../platform/database/database-problem.js';
import type { CallTarget } from '../../platform/egress/breakers.port.js';
import { targetText } from './breaker-target.js';
import { breakersTag, GLOBAL_BREAKERS, tenantOfTag } from './breaker-tags.js';
import type { CircuitBreaker } from './circuit-breaker.entity.js';
import { CircuitBreakersRepository } from './circuit-breakers.repository.js';

/** The breakers that count for a tenant, as they were read a moment ago. */
export class TenantBreakers {
  private readonly byTarget = new Map<string, CircuitBreaker[]>();

  /** @param databaseNow when they were read, by the database's clock; @param readAt the same by this process's monotonic one */
  constructor(
    readonly tenantId: string,
    readonly all: readonly CircuitBreaker[],
    private readonly databaseNow: Date,
    private readonly readAt: number,
    private readonly clock: Clock,
  ) {
    for (const breaker of all) {
      const key = targetText({ kind: breaker.target_kind, name: breaker.target_name });
      this.byTarget.set(key, [...(this.byTarget.get(key) ?? []), breaker]);
    }
  }

  over(targets: readonly CallTarget[]): CircuitBreaker[] {
    if (this.all.length === 0) return [];
    return [...new Set(targets.flatMap((target) => this.byTarget.get(targetText(target)) ?? []))];
  }

  /** Milliseconds until an open breaker lets a probe through; none for one that is forced. */
  untilProbe({ forced, next_probe_at: next }: CircuitBreaker): number {
    if (forced || !next) return Number.POSITIVE_INFINITY;
    return next.getTime() - this.databaseNow.getTime() - (this.clock.monotonicMs() - this.readAt);
  }
}

/**
 * The breakers of each tenant that makes calls, in memory for at most two seconds and read anew at once when one of them has
 * changed: the revocation barrier (docs/adr/0006-revocation-barrier.md) makes a change hold in every process before it is answered.
 */
@Injectable()
export class KnownBreakers {
  private readonly cache: RevocableCache<TenantBreakers>;

  constructor(
    private readonly repository: CircuitBreakersRepository,
    private readonly clock: Clock,
    private readonly revocations: Revocations,
  ) {
    this.cache = revocations.cache((tenantId) => this.load(tenantId), ({ tenantId }) => [breakersTag(tenantId), GLOBAL_BREAKERS]);
  }

  /** @throws Problem `unavailable` */
  async of(tenantId: string): Promise<TenantBreakers> {
    try {
      return (await this.cache.get(tenantId)) ?? (await this.load(tenantId));
    } catch (error) {
      // Whoever calls something else must not take it for that one's failure.
      throw databaseProblem(error) ?? error;
    }
  }

  /** Called in every process when breakers of a tenant have changed; with `all` it may be any tenant's. */
  onChanged(listener: (tenantId: string) => void): void {
    this.revocations.onRevoked((tags) => {
      for (const tag of tags) {
        const tenantId = tenantOfTag(tag);
        if (tenantId !== undefined) listener(tenantId);
      }
    });
  }

  private async load(tenantId: string): Promise<TenantBreakers> {
    const { now, breakers } = await this.repository.known(tenantId);
    return new TenantBreakers(tenantId, breakers, now, this.clock.monotonicMs(), this.clock);
  }
}
