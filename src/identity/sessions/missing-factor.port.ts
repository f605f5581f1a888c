import { DEFAULT_POLICY } from '../access-policy/security-policies.reader.js';

/** SQL: what the policy (`p`, left joined) says of the second factor after single sign-on. */
export const DEFAULTED_AFTER_SSO = `coalesce(p.mfa->>'after_sso', '${DEFAULT_POLICY.mfa.after_sso}')`;

/** SQL: whether the policy (`p`, left joined) asks the user (`u`) for a second factor, and the account has none of its own. */
export const REQUIRES_FACTOR = `(coalesce(p.mfa->'required_roles' ? u.role, false)
  and not exists (select from user_mfa f where f.tenant_id = u.tenant_id and f.user_id = u.id and f.enabled_at is not null))`;
