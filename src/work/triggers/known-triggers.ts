import { Injectable } from '@nestjs/common';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import type { Trigger } from './trigger.entity.js';
import { takesName } from './trigger-matcher.js';
import { TriggersRepository } from './triggers.repository.js';

interface TenantTriggers {
  tenantId: string;
  /** Those that follow events: enabled, and not by the clock alone. */
  triggers: readonly Trigger[];
  /** Those of them that events of a name may concern. */
  byName: Map<string, readonly Trigger[]>;
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
      async (tenantId) => ({ tenantId, triggers: await repository.following(tenantId), byName: new Map() }),
      ({ tenantId }) => [tagOf(tenantId)],
    );
  }

  /** Those that events of a name may concern: of ten thousand that do not, an event costs nothing. */
  async concernedBy(tenantId: string, name: string): Promise<readonly Trigger[]> {
    const tenant = await this.cache.get(tenantId);
    if (!tenant || tenant.triggers.length === 0) return [];
    const known = tenant.byName.get(name) ?? tenant.triggers.filter((trigger) => takesName(trigger, name));
    tenant.byName.set(name, known);
    return known;
  }

  /** Call in the transaction of the change. */
  changed(tenantId: string): void {
    this.revocations.afterCommit(tagOf(tenantId));
  }
}
