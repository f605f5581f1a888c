import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { UserActor } from '../../core/actor.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { hashToken, newToken } from '../../platform/crypto/tokens.js';
import { type IssuedTokens, UserSessions } from '../sessions/user-sessions.port.js';
import { OperatorTenant } from '../tenants/operator-tenant.port.js';
import { passwordProof, type PreparedAccount, UserAccounts } from '../users/user-accounts.port.js';
import type { UserView } from '../users/users.view.js';
import type { CompleteSetupDto } from './setup.dto.js';
import { SetupRepository } from './setup.repository.js';

const SETUP_PREFIX = 'whs_';
/** Compared with when no token has been made yet: nothing hashes to it. */
const NO_TOKEN = Buffer.alloc(32);

/** Makes the first administrator, once, for whoever holds the setup token. */
@Injectable()
export class SetupService {
  constructor(
    private readonly config: Config,
    private readonly installation: SetupRepository,
    private readonly accounts: UserAccounts,
    private readonly sessions: UserSessions,
    private readonly operator: OperatorTenant,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {}

  async needsSetup(): Promise<boolean> {
    return !(await this.installation.state()).done;
  }

  /**
   * Called once per start of a process that answers HTTP. Makes a new token while setup is not complete and keeps its
   * hash alone, so it can be printed only now. When several processes start, the token that was printed last works.
   * @returns the token to print; undefined when setup is complete, or when SETUP_TOKEN gives it
   */
  async issueToken(): Promise<string | undefined> {
    if (this.config.get('SETUP_TOKEN') !== undefined) {
      await this.installation.keepToken(null);
      return undefined;
    }
    const { token, hash } = newToken(SETUP_PREFIX);
    return (await this.installation.keepToken(hash)) ? token : undefined;
  }

  async complete({
    setup_token,
    email,
    password,
    full_name,
    organization,
  }: CompleteSetupDto): Promise<{ tokens: IssuedTokens; user: UserView }> {
    await this.checkToken(setup_token);
    const account = await this.accounts.prepare({ email, password, full_name, role: 'admin' });
    const sessionId = newId();
    const actor: UserActor = { kind: 'user', id: account.id, tenantId: OPERATOR_TENANT_ID, role: 'admin', sessionId, authenticatedAt: new Date(), mfa: false, label: email };
    return this.context.within({ tenantId: OPERATOR_TENANT_ID, actor }, () => this.finish(account, sessionId, organization));
  }

  /** Of many at once the row lets a single one through; the others find setup done and leave no account behind. */
  @Transactional()
  protected async finish(
    account: PreparedAccount,
    sessionId: string,
    organization: string | undefined,
  ): Promise<{ tokens: IssuedTokens; user: UserView }> {
    if (!(await this.installation.complete())) throw new Problem('setup_done');
    await this.accounts.add(account);
    if (organization !== undefined) await this.operator.rename(organization);
    const user = await this.accounts.signedIn(account.id, passwordProof(account.passwordHash));
    if (!user) throw new Error('The account that setup made is not there.');
    const { tokens } = await this.sessions.open(
      { id: account.id, tenantId: OPERATOR_TENANT_ID, email: account.email, role: 'admin' },
      sessionId,
      { amr: ['pwd'], providerId: null },
    );
    await this.audit.record({ action: 'setup.complete', resource: { type: 'session', id: sessionId } });
    return { tokens, user };
  }

  private async checkToken(presented: string): Promise<void> {
    const { done, tokenHash } = await this.installation.state();
    if (done) throw new Problem('setup_done');
    const configured = this.config.get('SETUP_TOKEN');
    const expected = configured === undefined ? (tokenHash ?? NO_TOKEN) : hashToken(configured);
    if (timingSafeEqual(expected, hashToken(presented))) return;
    await this.audit.failed({ action: 'setup.complete' });
    throw new Problem('setup_token_invalid');
  }
}
