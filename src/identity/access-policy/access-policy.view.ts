import type { Role } from '../../core/actor.js';
import type { StoredPolicy } from './access-policy.service.js';
import type { AfterSso } from './security-policies.reader.js';

/** Who must have a second factor. */
export class MfaPolicyView {
  /** @example ["admin"] */
  required_roles!: Role[];
  /**
   * Whether it is asked for after single sign-on: always, or unless the provider says that it asked for one.
   * @example unless_amr
   */
  after_sso!: AfterSso;
}

/** Whether people must come through single sign-on. */
export class SsoPolicyView {
  /** @example false */
  enforced!: boolean;
  /**
   * The administrator who still signs in with a password.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  break_glass_user_id!: string | null;
}

/** How long sessions live. */
export class SessionPolicyView {
  /**
   * Seconds in all.
   * @example 7776000
   */
  max_age_seconds!: number;
  /**
   * Seconds without a request.
   * @example 2592000
   */
  idle_seconds!: number;
}

/** How guesses are slowed down. */
export class LockoutPolicyView {
  /** @example 10 */
  free_attempts!: number;
  /** @example 60 */
  longest_wait_seconds!: number;
}

/** What new passwords are held against. There are no rules about kinds of characters. */
export class PasswordPolicyView {
  /**
   * The tenant's.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  id!: string;
  /** @example 8 */
  min_length!: number;
  /** @example 256 */
  max_length!: number;
  /**
   * Common passwords are always refused, and those made of the address.
   * @example true
   */
  common_refused!: boolean;
  /**
   * How many passwords before the current one are not taken again.
   * @example 3
   */
  history!: number;
  /**
   * Days after which a password has to be changed before anything else; null when never.
   * @example null
   */
  max_age_days!: number | null;
  /**
   * Grows with every change of the security policy; part of the ETag.
   * @example 1
   */
  revision!: number;
  /**
   * When the policy was changed last; null while it is as it came.
   * @example 2026-01-31T09:30:00.000Z
   */
  updated_at!: string | null;
}

/** The security policy of a tenant. Its password policy is at /security/password-policy. */
export class SecurityView {
  /**
   * The tenant's.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  id!: string;
  mfa!: MfaPolicyView;
  sso!: SsoPolicyView;
  session!: SessionPolicyView;
  lockout!: LockoutPolicyView;
  /**
   * Grows with every change of the security policy; part of the ETag.
   * @example 1
   */
  revision!: number;
  /**
   * When the policy was changed last; null while it is as it came.
   * @example 2026-01-31T09:30:00.000Z
   */
  updated_at!: string | null;
}

const LONGEST_PASSWORD = 256;

export function toSecurityView({ id, mfa, sso, session, lockout, revision, updated_at }: StoredPolicy): SecurityView {
  return { id, mfa, sso, session, lockout, revision, updated_at: updated_at?.toISOString() ?? null };
}

export function toPasswordPolicyView({ id, password, revision, updated_at }: StoredPolicy): PasswordPolicyView {
  const { min_length, history, max_age_days } = password;
  return { id, min_length, max_length: LONGEST_PASSWORD, common_refused: true, history, max_age_days, revision, updated_at: updated_at?.toISOString() ?? null };
}
