import type { ApiKey } from './api-key.entity.js';

/** An API key, without the key. */
export class ApiKeyView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "Nightly reports" */
  name!: string;
  /**
   * The first characters of the key, to recognise it by.
   * @example whk_2Jx0dJ
   */
  prefix!: string;
  /**
   * What it may do, within what its owner may do now.
   * @example ["task:read", "agent:read"]
   */
  scopes!: string[];
  /**
   * Addresses and CIDR ranges that it is taken from; none means all.
   * @example ["10.20.0.0/16"]
   */
  allowed_addresses!: string[];
  /**
   * The user whose key it is.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  owner_id!: string;
  /**
   * From then on it is refused; null means never.
   * @example 2027-01-31T09:30:00.000Z
   */
  expires_at!: string | null;
  /**
   * Until when the value before the last rotation works beside the present one.
   * @example null
   */
  previous_valid_until!: string | null;
  /**
   * When it was used last, some seconds late.
   * @example 2026-01-31T09:30:00.000Z
   */
  last_used_at!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /**
   * Grows by one with every change; part of the ETag.
   * @example 1
   */
  revision!: number;
}

/** A new API key. This is the only time that the key is shown. */
export class NewApiKeyView extends ApiKeyView {
  /**
   * The key itself: send it as X-API-Key, or as Authorization: Bearer.
   * @example whk_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  key!: string;
}

export function toApiKeyView(key: ApiKey): ApiKeyView {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    scopes: key.scopes,
    allowed_addresses: key.allowed_addresses,
    owner_id: key.owner_id,
    expires_at: key.expires_at?.toISOString() ?? null,
    previous_valid_until: key.previous_valid_until?.toISOString() ?? null,
    last_used_at: key.last_used_at?.toISOString() ?? null,
    created_at: key.created_at.toISOString(),
    revision: key.revision,
  };
}

export function toNewApiKeyView(key: ApiKey, secret: string): NewApiKeyView {
  return Object.assign(toApiKeyView(key), { key: secret });
}

/** What the audit log keeps of a key. */
export function auditedKey({ name, prefix, scopes, allowed_addresses, owner_id, parent_id, expires_at }: ApiKey): object {
  return { name, prefix, scopes, allowed_addresses, owner_id, parent_id, expires_at };
}
