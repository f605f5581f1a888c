import { Injectable } from '@nestjs/common';
import type { Role } from '../../core/actor.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { SystemDatabase } from '../../platform/database/system-database.js';

export const AFTER_SSO = ['always', 'unless_amr'] as const;
export type AfterSso = (typeof AFTER_SSO)[number];

/** What a tenant asks of those who sign in to it. */
export interface SecurityPolicy {
  /** Roles that must have a second factor, and whether it is asked for after single sign-on that showed one already. */
  mfa: { required_roles: Role[]; after_sso: AfterSso };
  /** Whether passwords are off, but for one account that gets in when the provider is away. */
  sso: { enforced: boolean; break_glass_user_id: string | null };
  /** How long a session lives in all, and without being used. */
  session: { max_age_seconds: number; idle_seconds: number };
  /** `history`: how many passwords before the current one are not taken again; `max_age_days`: when a new one is due, if ever. */
  password: { min_length: number; history: number; max_age_days: number | null };
  /** Guesses that cost nothing, and the longest wait after them. */
  lockout: { free_attempts: number; longest_wait_seconds: number };
}

/** The policy of a tenant that has chosen nothing. */
export const DEFAULT_POLICY: SecurityPolicy = {
  mfa: { required_roles: [], after_sso: 'unless_amr' },
  sso: { enforced: false, break_glass_user_id: null },
  session: { max_age_seconds: 90 * 86_400, idle_seconds: 30 * 86_400 },
  password: { min_length: 8, history: 3, max_age_days: null },
  lockout: { free_attempts: 10, longest_wait_seconds: 60 },
};

export const POLICY_GROUPS = ['mfa', 'sso', 'session', 'password', 'lockout'] as const;
export type PolicyGroup = (typeof POLICY_GROUPS)[number];
/** Groups as they are stored: what was chosen, and no more. */
export type PolicyChoices = { [G in PolicyGroup]: Partial<SecurityPolicy[G]> };

/** The choices of a tenant, with the default where it made none. */
export function policyOf(choices: PolicyChoices | undefined): SecurityPolicy {
  return {
    mfa: { ...DEFAULT_POLICY.mfa, ...choices?.mfa },
    sso: { ...DEFAULT_POLICY.sso, ...choices?.sso },
    session: { ...DEFAULT_POLICY.session, ...choices?.session },
    password: { ...DEFAULT_POLICY.password, ...choices?.password },
    lockout: { ...DEFAULT_POLICY.lockout, ...choices?.lockout },
  };
}

/** What is revoked when the policy of a tenant changes: whatever rests on it is looked at again, in every process. */
export const securityTag = (tenantId: string): string => `security-of:${tenantId}`;

interface Known {
  tenantId: string;
  policy: SecurityPolicy;
}

/** The security policy of any tenant, as it is now. It needs no transaction, and no tenant in the context. */
@Injectable()
export class SecurityPolicies {
  private readonly known: RevocableCache<Known>;

  constructor(
    private readonly database: SystemDatabase,
    revocations: Revocations,
  ) {
    this.known = revocations.cache(
      (tenantId) => this.look(tenantId),
      ({ tenantId }) => [securityTag(tenantId)],
    );
  }

  async of(tenantId: string): Promise<SecurityPolicy> {
    return (await this.known.get(tenantId))?.policy ?? DEFAULT_POLICY;
  }

  private async look(tenantId: string): Promise<Known> {
    const [row] = await this.database.query<PolicyChoices>(
      'select mfa, sso, session, password, lockout from security_policies where tenant_id = $1',
      [tenantId],
    );
    return { tenantId, policy: policyOf(row) };
  }
}
