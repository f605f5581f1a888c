import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import { invalidField } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { requireFreshAuthority } from '../../platform/auth/fresh-sign-in.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { AccessPolicyRepository, type PolicyRow } from './access-policy.repository.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { POLICY_GROUPS, type PolicyChoices, type PolicyGroup, policyOf, type SecurityPolicy, securityTag } from './security-policies.reader.js';

/** A policy with the members that make it a resource. */
export type StoredPolicy = SecurityPolicy & { id: string; revision: number; updated_at: Date | null };

export type PolicyChange = { [G in PolicyGroup]?: Partial<SecurityPolicy[G]> };

/** Reads and changes the security policy of the context's tenant. */
@Injectable()
export class AccessPolicyService {
  constructor(
    private readonly policies: AccessPolicyRepository,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
    private readonly sessions: UserSessions,
  ) {}

  @Transactional()
  async get(): Promise<StoredPolicy> {
    return this.stored(await this.policies.find());
  }

  /** Changes what is named and leaves the rest. It holds in every process before the answer is sent. */
  @Transactional()
  async update(action: string, change: PolicyChange): Promise<StoredPolicy> {
    const row = await this.policies.lock();
    checkIfMatch(this.context.get('ifMatch'), row);
    const before = policyOf(row);
    const choices = merge(row, change);
    const after = policyOf(choices);
    const changed = changesBetween(audited(before), audited(after));
    if (Object.keys(changed.after).length === 0) return this.stored(row);
    requireFreshAuthority(this.context);
    check(after);
    if ('sso' in changed.after) await this.checkBreakGlass(after);
    const stored = await this.policies.update(choices);
    const ended = 'sso' in changed.after && after.sso.enforced ? { detail: { sessions_ended: await this.sessions.endShut('sso_enforced') } } : {};
    await this.audit.record({ action, resource: { type: 'security_policy', id: row.id }, ...changed, ...ended });
    this.revocations.afterCommit(securityTag(row.id));
    return this.stored(stored);
  }

  /** Only where that part is changed: an account that was named and is an administrator no more holds up nothing else. */
  private async checkBreakGlass({ sso: { enforced, break_glass_user_id: userId } }: SecurityPolicy): Promise<void> {
    if (enforced && userId === null) throw invalidField('sso.break_glass_user_id', 'required', 'must name the account that still signs in with a password');
    if (userId !== null && !(await this.policies.canBreakGlass(userId))) {
      throw invalidField('sso.break_glass_user_id', 'unknown', 'must be an active administrator of this tenant who has a password');
    }
  }

  private stored(row: PolicyRow | undefined): StoredPolicy {
    return { ...policyOf(row), id: this.context.tenantId, revision: row?.revision ?? 1, updated_at: row?.updated_at ?? null };
  }
}

function check({ session }: SecurityPolicy): void {
  if (session.idle_seconds > session.max_age_seconds) throw invalidField('session.idle_seconds', 'max', 'must not be more than session.max_age_seconds');
}

/** Members that the request left out are undefined, and stay. */
function merge(row: PolicyChoices, change: PolicyChange): PolicyChoices {
  const given = (group: object | undefined): object => Object.fromEntries(Object.entries(group ?? {}).filter(([, value]) => value !== undefined));
  return Object.fromEntries(POLICY_GROUPS.map((group) => [group, { ...row[group], ...given(change[group]) }])) as unknown as PolicyChoices;
}

/** As the audit log keeps it, which shows nothing that is called a password. */
function audited({ password, ...others }: SecurityPolicy): object {
  return { ...others, strength: password };
}
