import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { ApiKeyActor } from '../../core/actor.js';
import { Clock } from '../../core/clock.js';
import { Authenticator, type CredentialVerifier } from '../../platform/auth/authenticator.js';
import { API_KEY_PREFIX, type Credential } from '../../platform/auth/credentials.js';
import { RefusedActor } from '../../platform/auth/refused-actor.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { hashToken, isWellFormedToken } from '../../platform/crypto/tokens.js';
import { securityTag } from '../access-policy/security-policies.reader.js';
import { type IpRange, isInRanges, rangesOf } from '../../platform/networks/ip-ranges.js';
import { ApiKeyUsage } from './api-key-usage.js';
import { ApiKeysRepository, type LiveKey } from './api-keys.repository.js';

interface KnownKey extends LiveKey {
  /** When it expires, on this process's monotonic clock. */
  expiresAtMs: number;
  allowed: readonly IpRange[];
}

/** Finds out what an API key may do, now: its scopes, within the role that its owner has at this moment. */
@Injectable()
export class ApiKeyVerifier implements CredentialVerifier, OnModuleInit {
  private readonly known: RevocableCache<KnownKey>;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly keys: ApiKeysRepository,
    private readonly usage: ApiKeyUsage,
    private readonly clock: Clock,
    private readonly context: RequestContext,
    revocations: Revocations,
  ) {
    this.known = revocations.cache(
      (hash) => this.look(hash),
      (key) => [`api-key:${key.id}`, `user:${key.owner_id}`, `tenant:${key.tenant_id}`, securityTag(key.tenant_id)],
    );
  }

  onModuleInit(): void {
    this.authenticator.register('api_key', this);
  }

  async verify({ value }: Credential): Promise<ApiKeyActor | undefined> {
    if (!isWellFormedToken(value, API_KEY_PREFIX)) return undefined;
    const key = await this.known.get(hashToken(value).toString('base64'));
    if (!key || key.expiresAtMs <= this.clock.monotonicMs()) return undefined;
    const actor: ApiKeyActor = {
      kind: 'api_key',
      id: key.id,
      tenantId: key.tenant_id,
      role: key.role,
      ownerId: key.owner_id,
      scopes: key.scopes,
      ...(key.lacks_factor ? { restricted: 'mfa_setup' } : {}),
      label: key.name,
    };
    if (key.tenant_status === 'suspended') throw new RefusedActor('tenant_suspended', actor);
    if (!key.is_active) throw new RefusedActor('account_disabled', actor);
    if (key.allowed_addresses.length > 0 && !isInRanges(key.allowed, this.context.get('ip'))) throw new RefusedActor('address_not_allowed', actor);
    this.usage.saw(key.tenant_id, key.id);
    return actor;
  }

  private async look(hash: string): Promise<KnownKey | undefined> {
    const key = await this.keys.live(Buffer.from(hash, 'base64'));
    return key && { ...key, allowed: rangesOf(key.allowed_addresses), expiresAtMs: key.remaining_ms === null ? Infinity : this.clock.monotonicMs() + key.remaining_ms };
  }
}
