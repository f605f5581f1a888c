import type { Restriction } from '../../core/actor.js';
import { DEFAULTED_AFTER_SSO, REQUIRES_FACTOR } from './missing-factor.port.js';

/**
 * SQL: whether the way that a session (`s`) of a user (`u`) came is shut by now, by the policy (`p`, left joined): the provider is
 * off or gone, or the tenant takes no passwords but that of the account that breaks the glass.
 */
export const WAY_IS_SHUT = `case when s.provider_id is null
  then coalesce((p.sso->>'enforced')::boolean, false) and p.sso->>'break_glass_user_id' is distinct from s.user_id::text
  else not exists (select from sso_providers w where w.tenant_id = s.tenant_id and w.id = s.provider_id and w.is_active) end`;

/** SQL: whether the policy asks for a second factor and there is none: neither one of the account's own nor, where that will do, the provider's. */
const LACKS_FACTOR = `(${REQUIRES_FACTOR} and not (${DEFAULTED_AFTER_SSO} = 'unless_amr' and 'mfa' = any(s.amr)))`;

/** SQL: milliseconds until the password that a session was opened with is too old; null when it never is. */
export const PASSWORD_LEFT_MS = `case when s.provider_id is null
  then (extract(epoch from u.password_changed_at - now()) * 1000)::float8 + (p.password->>'max_age_days')::float8 * 86400000 end`;

/** What a session rests on beside itself. */
export interface SessionStanding {
  /** Whether the policy asks for a second factor that is not there. */
  lacks_factor: boolean;
  password_left_ms: number | null;
}

export const STANDING = `${LACKS_FACTOR} as lacks_factor, ${PASSWORD_LEFT_MS} as password_left_ms`;

/** What the person has to do before anything else. The password first: until it is theirs alone again, a factor set up may be a stranger's. */
export function restrictionOf({ lacks_factor, password_left_ms }: SessionStanding, passedMs = 0): Restriction | undefined {
  if (password_left_ms !== null && password_left_ms <= passedMs) return 'password_expired';
  return lacks_factor ? 'mfa_setup' : undefined;
}
