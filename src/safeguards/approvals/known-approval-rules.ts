import { Injectable } from '@nestjs/common';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { ruleOf } from './approval-rule.entity.js';
import { inOrder, type Rule } from './approval-rule.matcher.js';
import { ApprovalRulesRepository } from './approval-rules.repository.js';

interface TenantRules {
  tenantId: string;
  rules: readonly Rule[];
}

const tagOf = (tenantId: string): string => `approval-rules-of:${tenantId}`;

/** The rules of each tenant, in memory in their order: a change holds in every process before it is answered (docs/adr/0006-revocation-barrier.md). */
@Injectable()
export class KnownApprovalRules {
  private readonly cache: RevocableCache<TenantRules>;

  constructor(
    private readonly repository: ApprovalRulesRepository,
    private readonly revocations: Revocations,
  ) {
    this.cache = revocations.cache(
      (tenantId) => this.load(tenantId),
      ({ tenantId }) => [tagOf(tenantId)],
    );
  }

  async of(tenantId: string): Promise<readonly Rule[]> {
    return (await this.cache.get(tenantId))?.rules ?? [];
  }

  /** Call in the transaction of a change. */
  changed(tenantId: string): void {
    this.revocations.afterCommit(tagOf(tenantId));
  }

  private async load(tenantId: string): Promise<TenantRules> {
    return { tenantId, rules: (await this.repository.known(tenantId)).map(ruleOf).toSorted(inOrder) };
  }
}
