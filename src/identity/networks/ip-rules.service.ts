import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { networksTag } from '../../platform/auth/network-rules.port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { type IpRule, rulingOf } from './ip-rule.js';
import type { UpdateIpRulesDto } from './ip-rules.dto.js';
import { IpRulesRepository, type IpRulesRow } from './ip-rules.repository.js';

/** The rules as a resource: also of a tenant that has none. */
export type StoredIpRules = Omit<IpRulesRow, 'updated_at'> & { updated_at: Date | null };

/** Reads and changes from which addresses the context's tenant is worked in. */
@Injectable()
export class IpRulesService {
  constructor(
    private readonly stored: IpRulesRepository,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
  ) {}

  @Transactional()
  async get(): Promise<StoredIpRules> {
    return (await this.stored.find()) ?? { id: this.context.tenantId, rules: [], revision: 1, updated_at: null };
  }

  /** Replaces all rules. They hold in every process, and for what is open, before the answer is sent. */
  @Transactional()
  async update({ rules: given, force = false }: UpdateIpRulesDto): Promise<StoredIpRules> {
    const rules = given.map(({ action, cidr, description }): IpRule => ({ action, cidr, description: description ?? null }));
    const before = await this.stored.lock();
    checkIfMatch(this.context.get('ifMatch'), before);
    if (!force) this.checkAuthor(rules);
    if (isDeepStrictEqual(before.rules, rules)) return before;
    requireFreshAuthority(this.context);
    const after = await this.stored.update(rules);
    await this.audit.record({
      action: 'security.update_ip_rules',
      resource: { type: 'ip_rules', id: before.id },
      before: { rules: before.rules },
      after: { rules },
      ...(force ? { detail: { force } } : {}),
    });
    this.revocations.afterCommit(networksTag(before.id));
    return after;
  }

  /** An operator who acts for another tenant is not bound by its rules. */
  private checkAuthor(rules: readonly IpRule[]): void {
    const address = this.context.get('ip');
    if (this.context.actor.tenantId !== this.context.tenantId || rulingOf(rules).admits(address)) return;
    throw new Problem('locks_out_author', { detail: `These rules refuse ${address ?? 'an unknown address'}, from which they were sent.`, current: address });
  }
}
