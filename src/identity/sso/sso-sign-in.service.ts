import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { hashToken, isWellFormedToken } from '../../platform/crypto/tokens.js';
import { SignInCompletion, type SignInOutcome } from '../auth/sign-in-completion.port.js';
import { UserAccounts } from '../users/user-accounts.port.js';
import type { UserView } from '../users/users.view.js';
import { CODE_PREFIX } from './sso-flow.service.js';
import { SsoFlowsRepository } from './sso-flows.repository.js';

/** The end of a sign-in: its code becomes a session, or the question for the second factor. */
@Injectable()
export class SsoSignInService {
  constructor(
    private readonly flows: SsoFlowsRepository,
    private readonly accounts: UserAccounts,
    private readonly completion: SignInCompletion,
    private readonly context: RequestContext,
  ) {}

  /** @param browsers what the browser proves itself with @throws Problem `sso_failed` */
  async exchange(token: string, browsers: readonly Buffer[]): Promise<SignInOutcome> {
    const code = isWellFormedToken(token, CODE_PREFIX) ? await this.flows.takeCode(hashToken(token), browsers) : undefined;
    if (!code) throw new Problem('sso_failed', { detail: 'The code is not valid in this browser, was used, or has expired.' });
    const user = await this.context.within({ tenantId: code.tenant_id }, () => this.read(code.user_id));
    if (!user.is_active) throw new Problem('account_disabled');
    return this.completion.afterFirstFactor({ id: user.id, tenantId: user.tenant_id, email: user.email, role: user.role }, { via: 'sso', amr: code.amr });
  }

  @Transactional()
  protected read(id: string): Promise<UserView> {
    return this.accounts.get(id);
  }
}
