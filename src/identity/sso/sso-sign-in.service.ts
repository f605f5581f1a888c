import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
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
    private readonly audit: AuditPort,
    private readonly networks: NetworkRules,
  ) {}

  /** @param browsers what the browser proves itself with @returns what of it has served, and what the sign-in came to @throws Problem `sso_failed` */
  async exchange(token: string, browsers: readonly Buffer[]): Promise<{ used: Buffer; outcome: SignInOutcome }> {
    const code = isWellFormedToken(token, CODE_PREFIX) ? await this.flows.takeCode(hashToken(token), browsers) : undefined;
    if (!code) {
      await this.audit.failed({ action: 'auth.sso', detail: { reason: 'sso_failed' } });
      throw invalidCode();
    }
    const user = await this.context.within({ tenantId: code.tenant_id }, () => this.read(code.user_id));
    if (!(await this.networks.admits(code.tenant_id, this.context.get('ip')))) {
      await this.context.within({ tenantId: code.tenant_id }, () => this.audit.failed({ action: 'auth.sso', resource: { type: 'user', id: user.id }, detail: { reason: 'address_not_allowed' } }));
      throw invalidCode();
    }
    if (!user.is_active) {
      await this.context.within({ tenantId: code.tenant_id }, () => this.audit.failed({ action: 'auth.sso', resource: { type: 'user', id: user.id }, detail: { reason: 'account_disabled' } }));
      throw new Problem('account_disabled');
    }
    const outcome = await this.completion.afterFirstFactor({ id: user.id, tenantId: user.tenant_id, email: user.email, role: user.role }, { via: 'sso', amr: code.amr, providerId: code.provider_id });
    return { used: code.browser_hash, outcome };
  }

  @Transactional()
  protected read(id: string): Promise<UserView> {
    return this.accounts.get(id);
  }
}

const invalidCode = (): Problem => new Problem('sso_failed', { detail: 'The code is not valid in this browser, was used, or has expired.' });
