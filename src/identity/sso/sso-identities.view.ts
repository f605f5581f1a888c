import type { SsoIdentity } from './sso-identity.entity.js';

/** A subject of an issuer, and whom it is here. */
export class SsoIdentityView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example https://login.example.com */
  issuer!: string;
  /** @example 248289761001 */
  subject!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
  user_id!: string;
  /**
   * The provider it was linked or used through last.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  provider_id!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  last_login_at!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 1 */
  revision!: number;
}

export function toSsoIdentityView(identity: SsoIdentity): SsoIdentityView {
  return {
    id: identity.id,
    issuer: identity.issuer,
    subject: identity.subject,
    user_id: identity.user_id,
    provider_id: identity.provider_id,
    last_login_at: identity.last_login_at?.toISOString() ?? null,
    created_at: identity.created_at.toISOString(),
    revision: identity.revision,
  };
}
