import { Injectable } from '@nestjs/common';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import type { Trigger } from './trigger.entity.js';
import { TriggersRepository } from './triggers.repository.js';

interface TenantTriggers {
  tenantId: string;
  /** Those that follow events: enabled, and not by the clock alone. */
  triggers: readonly Trigger[];
}

const tagOf = (tenantId: string): string => `triggers-of:${tenantId}`;

/** The triggers of each tenant that follow events, in memory: a tenant without any costs a look. A change holds in every process before it is answered. */
@Injectable()
export class KnownTriggers {
  private readonly cache: RevocableCache<TenantTriggers>;

  constructor(
    repository: TriggersRepository,
    private readonly revocations: Revocations,
  ) {
    this.cache = revocations.cache<TenantTriggers>(
      async (tenantId) => ({ tenantId, triggers: await repository.following(tenantId) }),
      ({ tenantId }) => [tagOf(tenantId)],
    );
  }

  async of(tenantId: string): Promise<readonly Trigger[]> {
    return (await this.cache.get(tenantId))?.triggers ?? [];
  }

  /** Call in the transaction of the change. */
  changed(tenantId: string): void {
    this.revocations.afterCommit(tagOf(tenantId));
  }
}
