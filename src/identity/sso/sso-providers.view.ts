import type { Role } from '../../core/actor.js';
import type { SigningAlgorithm, SsoProvider } from './sso-provider.entity.js';

/** A role for those in a group. */
export class RoleMappingView {
  /** @example platform-admins */
  group!: string;
  /** @example admin */
  role!: Role;
}

/** An OpenID provider that people of the tenant sign in with. Its secret is never shown. */
export class SsoProviderView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "Example Corp" */
  name!: string;
  /** @example https://login.example.com */
  issuer!: string;
  /** @example wheelhouse */
  client_id!: string;
  /**
   * Whether a secret is kept.
   * @example true
   */
  has_client_secret!: boolean;
  /** @example ["openid", "email", "profile"] */
  scopes!: string[];
  /** @example RS256 */
  signing_algorithm!: SigningAlgorithm;
  /** @example true */
  is_active!: boolean;
  /** @example false */
  create_users!: boolean;
  /** @example ["example.com"] */
  allowed_domains!: string[];
  /** @example groups */
  group_claim!: string | null;
  /** Which groups have which role. */
  role_mappings!: RoleMappingView[];
  /** @example user */
  default_role!: Role | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
  /** @example 1 */
  revision!: number;
}

export function toSsoProviderView(provider: SsoProvider): SsoProviderView {
  return {
    ...auditedProvider(provider),
    id: provider.id,
    created_at: provider.created_at.toISOString(),
    updated_at: provider.updated_at.toISOString(),
    revision: provider.revision,
  };
}

/** A provider as the audit log shows it. */
export function auditedProvider(provider: SsoProvider): Omit<SsoProviderView, 'id' | 'created_at' | 'updated_at' | 'revision'> {
  return {
    name: provider.name,
    issuer: provider.issuer,
    client_id: provider.client_id,
    has_client_secret: provider.client_secret !== null,
    scopes: provider.scopes,
    signing_algorithm: provider.signing_algorithm,
    is_active: provider.is_active,
    create_users: provider.create_users,
    allowed_domains: provider.allowed_domains,
    group_claim: provider.group_claim,
    role_mappings: provider.role_mappings.map(({ group, role }) => ({ group, role })),
    default_role: provider.default_role,
  };
}
