import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { roleOf } from '../../core/actor.js';
import { Clock } from '../../core/clock.js';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { API_KEY_PREFIX } from '../../platform/auth/credentials.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { newToken } from '../../platform/crypto/tokens.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { ownUserId } from '../../platform/auth/own-user.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import type { ApiKey } from './api-key.entity.js';
import type { CreateApiKeyDto } from './api-keys.dto.js';
import { ApiKeysRepository, COUNTED_API_KEYS } from './api-keys.repository.js';
import { auditedKey } from './api-keys.view.js';
import { addressesWithin } from './address-policy.js';
import { checkScopes } from './scope-policy.js';

/** API keys: people make and revoke their own, administrators see and revoke all of the tenant. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly context: RequestContext,
    private readonly clock: Clock,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('api_keys', COUNTED_API_KEYS);
  }

  @Transactional()
  page(page: PageRequest): Promise<Page<ApiKey>> {
    return this.keys.page(this.isAdmin() ? undefined : ownUserId(this.context), page);
  }

  @Transactional()
  async create(body: CreateApiKeyDto): Promise<{ key: ApiKey; secret: string }> {
    const ownerId = ownUserId(this.context);
    checkScopes(body.scopes, this.context.actor);
    await this.plans.admit('api_keys');
    const id = newId();
    const { parentId, rootId, latest, within } = await this.parent(id);
    const { token, hash, shown } = newToken(API_KEY_PREFIX);
    const key = await this.keys.insert({
      id,
      ownerId,
      parentId,
      rootId,
      name: body.name,
      prefix: shown,
      hash,
      scopes: body.scopes,
      allowedAddresses: addressesWithin(body.allowed_addresses ?? [], within),
      expiresAt: this.expiry(body.expires_at, latest),
    });
    await this.audit.record({ action: 'api-key.create', resource: { type: 'api-key', id: key.id }, after: auditedKey(key) });
    return { key, secret: token };
  }

  /** From the commit on the key is refused everywhere, and so is every key that was made with it. */
  @Transactional()
  async revoke(id: string): Promise<void> {
    await this.keys.holdFamily(id, 'update');
    const key = await this.keys.lock(id);
    if (!key || (!this.isAdmin() && key.owner_id !== ownUserId(this.context))) throw notFound('API key');
    checkIfMatch(this.context.get('ifMatch'), key);
    const revoked = await this.keys.revoke(id);
    await this.audit.record({ action: 'api-key.revoke', resource: { type: 'api-key', id }, before: auditedKey(key), detail: { revoked } });
    this.revocations.afterCommit(...revoked.map((each) => `api-key:${each}`));
  }

  /** A key that is made with a key ends with it: it never outlives or outranks the one that it came from. */
  private async parent(ownId: string): Promise<{ parentId: string | null; rootId: string; latest: Date | null; within: readonly string[] }> {
    const { actor } = this.context;
    if (actor.kind !== 'api_key') return { parentId: null, rootId: ownId, latest: null, within: [] };
    await this.keys.holdFamily(actor.id, 'share');
    const parent = await this.keys.holdParent(actor.id);
    if (!parent) throw new Problem('unauthenticated');
    return { parentId: actor.id, rootId: parent.root_id ?? actor.id, latest: parent.expires_at, within: parent.allowed_addresses };
  }

  private expiry(asked: string | null | undefined, latest: Date | null): Date | null {
    if (asked === undefined || asked === null) return latest;
    const date = new Date(asked);
    if (date <= this.clock.now()) throw invalidField('expires_at', 'future', 'must lie in the future');
    if (latest && date > latest)
      throw new Problem('scope_exceeded', {
        detail: 'A key cannot outlive the key that it is made with.',
        limit: latest.toISOString(),
        current: date.toISOString(),
      });
    return date;
  }

  private isAdmin(): boolean {
    return roleOf(this.context.actor) === 'admin';
  }
}
