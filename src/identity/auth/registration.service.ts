import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { type PreparedAccount, UserAccounts } from '../users/user-accounts.port.js';
import type { UserView } from '../users/users.view.js';
import { SecurityPolicies } from '../access-policy/security-policies.reader.js';
import type { RegisterDto } from './auth.dto.js';

/** Accounts that people make for themselves: users of the default tenant, when the operator allows it. */
@Injectable()
export class RegistrationService {
  constructor(
    private readonly config: Config,
    private readonly accounts: UserAccounts,
    private readonly context: RequestContext,
    private readonly policies: SecurityPolicies,
    private readonly audit: AuditPort,
    private readonly networks: NetworkRules,
  ) {}

  async register({ email, password, full_name }: RegisterDto): Promise<UserView> {
    if (!this.config.get('REGISTRATION')) throw new Problem('registration_disabled');
    // The tenant takes no passwords, so it takes no accounts that have one.
    if ((await this.policies.of(OPERATOR_TENANT_ID)).sso.enforced) throw new Problem('registration_disabled');
    if (!(await this.networks.admits(OPERATOR_TENANT_ID, this.context.get('ip')))) return this.refuseAddress();
    const account = await this.accounts.prepare({ email, password, full_name, role: 'user' });
    return this.context.within({ tenantId: OPERATOR_TENANT_ID }, () => this.add(account));
  }

  private async refuseAddress(): Promise<never> {
    await this.context.within({ tenantId: OPERATOR_TENANT_ID }, () => this.audit.failed({ action: 'user.create', detail: { reason: 'address_not_allowed' } }));
    throw new Problem('address_not_allowed');
  }

  @Transactional()
  protected add(account: PreparedAccount): Promise<UserView> {
    return this.accounts.add(account);
  }
}
