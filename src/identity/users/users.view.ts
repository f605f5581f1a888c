import type { Role } from '../../core/actor.js';
import type { User } from './user.entity.js';

/** A person with an account. */
export class UserView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * The tenant it belongs to.
   * @example 00000000-0000-7000-8000-000000000001
   */
  tenant_id!: string;
  /**
   * The address to sign in with, in lower case.
   * @example ada@example.com
   */
  email!: string;
  /** @example "Ada Lovelace" */
  full_name!: string;
  /**
   * What the person may do: admin, user or client (portal, read-only).
   * @example user
   */
  role!: Role;
  /**
   * Whether the person may sign in.
   * @example true
   */
  is_active!: boolean;
  /**
   * When the person signed in last.
   * @example 2026-01-31T09:30:00.000Z
   */
  last_login_at!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
  /**
   * Grows by one with every change; part of the ETag.
   * @example 1
   */
  revision!: number;
}

export function toUserView(user: User): UserView {
  return {
    id: user.id,
    tenant_id: user.tenant_id,
    email: user.email,
    full_name: user.full_name,
    role: user.role,
    is_active: user.is_active,
    last_login_at: user.last_login_at?.toISOString() ?? null,
    created_at: user.created_at.toISOString(),
    updated_at: user.updated_at.toISOString(),
    revision: user.revision,
  };
}

/** What the audit log keeps of a user. */
export function auditedUser({ email, full_name, role, is_active }: User): object {
  return { email, full_name, role, is_active };
}
