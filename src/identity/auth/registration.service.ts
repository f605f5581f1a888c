import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { type PreparedAccount, UserAccounts } from '../users/user-accounts.port.js';
import type { UserView } from '../users/users.view.js';
import type { RegisterDto } from './auth.dto.js';

/** Accounts that people make for themselves: users of the default tenant, when the operator allows it. */
@Injectable()
export class RegistrationService {
  constructor(
    private readonly config: Config,
    private readonly accounts: UserAccounts,
    private readonly context: RequestContext,
  ) {}

  async register({ email, password, full_name }: RegisterDto): Promise<UserView> {
    if (!this.config.get('REGISTRATION')) throw new Problem('registration_disabled');
    const account = await this.accounts.prepare({ email, password, full_name, role: 'user' });
    return this.context.within({ tenantId: OPERATOR_TENANT_ID }, () => this.add(account));
  }

  @Transactional()
  protected add(account: PreparedAccount): Promise<UserView> {
    return this.accounts.add(account);
  }
}
