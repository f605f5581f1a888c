import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import type { Trigger } from './trigger.entity.js';
import { takesName } from './trigger-matcher.js';
import { NONE, TriggersRepository } from './triggers.repository.js';

interface TenantTriggers {
  tenantId: string;
  /** Those that follow events: enabled, and not by the clock alone. */
  triggers: readonly Trigger[];
  /** Those of them that events of a name may concern. */
  byName: Map<string, readonly Trigger[]>;
}

const MOST_TENANTS = 1_000;

const tagOf = (tenantId: string): string => `triggers-of:${tenantId}`;

/** The triggers of each tenant that follow events, in memory: a tenant without any costs a look. A change holds in every process before it is answered. */
@Injectable()
export class KnownTriggers {
  private readonly cache: RevocableCache<TenantTriggers>;
  private readonly kept = new LRUCache<string, { mark: string; tenant: TenantTriggers }>({ max: MOST_TENANTS });

  constructor(
    private readonly repository: TriggersRepository,
    private readonly revocations: Revocations,
  ) {
    this.cache = revocations.cache<TenantTriggers>(
      (tenantId) => this.load(tenantId),
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

  /** Ten thousand are not read anew every two seconds while none has changed. The mark is read first: what is newer than it is read again. */
  private async load(tenantId: string): Promise<TenantTriggers> {
    const mark = await this.repository.markOfFollowing(tenantId);
    const known = this.kept.get(tenantId);
    if (known?.mark === mark) return known.tenant;
    const tenant: TenantTriggers = { tenantId, triggers: mark === NONE ? [] : await this.repository.following(tenantId), byName: new Map() };
    this.kept.set(tenantId, { mark, tenant });
    return tenant;
  }
}
