import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Passwords } from '../../platform/crypto/passwords.js';
import { SecurityPolicies } from '../access-policy/security-policies.reader.js';
import { SignInAttempts, type Whence } from '../sessions/sign-in-attempts.port.js';
import { UserSessions } from '../sessions/user-sessions.port.js';
import { UserAccounts } from '../users/user-accounts.port.js';
import type { UserView } from '../users/users.view.js';
import { type SignedIn, SignInCompletion, type SignInOutcome } from './sign-in-completion.port.js';
import { type SignInAccount, SignInRepository } from './sign-in.repository.js';

type CheckedAccount = SignInAccount & { password_hash: string };

/**
 * Signing in with a password. An unknown address and a wrong password take the same way: the same counters, the same
 * hashing, the same audit row, the same answer.
 */
@Injectable()
export class SignInService {
  constructor(
    private readonly accountsByAddress: SignInRepository,
    private readonly attempts: SignInAttempts,
    private readonly passwords: Passwords,
    private readonly accounts: UserAccounts,
    private readonly sessions: UserSessions,
    private readonly completion: SignInCompletion,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly policies: SecurityPolicies,
    private readonly networks: NetworkRules,
  ) {}

  async login(email: string, password: string): Promise<SignInOutcome> {
    const account = await this.accountsByAddress.accountOf(email, this.context.get('ip'));
    // Guesses are counted by account, known or not.
    const subject = `login:${email}`;
    const from = { ip: this.context.get('ip'), isKnown: account?.known_network ?? false };
    await this.admit(subject, from, email, account);
    const right = await this.passwords.verify(account?.password_hash, password);
    // Told as a wrong password, with the same work and counted alike: from where its tenant takes nobody there is nothing to find out.
    if (!(await this.networks.admits(account?.tenant_id ?? OPERATOR_TENANT_ID, this.context.get('ip')))) return this.refuse('address_not_allowed', new Problem('invalid_credentials'), email, account);
    if (!right || !isChecked(account)) return this.refuse('wrong_credentials', new Problem('invalid_credentials'), email, account);
    await this.attempts.clear(subject, from);
    if (account.tenant_status === 'suspended') return this.refuse('tenant_suspended', new Problem('tenant_suspended'), email, account);
    if (!account.is_active) return this.refuse('account_disabled', new Problem('account_disabled'), email, account);
    if (await this.signsInElsewhere(account)) return this.refuse('sso_required', new Problem('sso_required'), email, account);
    const owner = { id: account.id, tenantId: account.tenant_id, email: account.email, role: account.role };
    return this.completion.afterFirstFactor(owner, { via: 'password', amr: ['pwd'], checkedHash: account.password_hash });
  }

  /** Where a tenant has chosen single sign-on for all, a password is worth nothing, but for the one account that breaks the glass. */
  private async signsInElsewhere({ id, tenant_id }: CheckedAccount): Promise<boolean> {
    const { sso } = await this.policies.of(tenant_id);
    return sso.enforced && sso.break_glass_user_id !== id;
  }

  /** New tokens for a refresh token, or a new cookie for a cookie, with the user as it is now. */
  async refresh(held: string | { cookie: string; csrfToken: string | undefined }): Promise<SignedIn> {
    const { owner, ...renewed } = await (typeof held === 'string' ? this.sessions.refresh(held) : this.sessions.refreshCookie(held.cookie, held.csrfToken));
    const user = await this.context.within({ tenantId: owner.tenantId }, () => this.read(owner.id));
    return { ...renewed, user };
  }

  @Transactional()
  protected read(userId: string): Promise<UserView> {
    return this.accounts.get(userId);
  }

  private async admit(subject: string, from: Whence, email: string, account: SignInAccount | undefined): Promise<void> {
    try {
      await this.attempts.admit(subject, from);
    } catch (error) {
      if (error instanceof Problem && error.code === 'rate_limited') return this.refuse('too_many_attempts', error, email, account);
      throw error;
    }
  }

  private async refuse(reason: string, problem: Problem, email: string, account: SignInAccount | undefined): Promise<never> {
    const entry = { action: 'auth.login', ...(account ? { resource: { type: 'user', id: account.id } } : {}), detail: { email, reason } };
    await this.context.within({ tenantId: account?.tenant_id ?? OPERATOR_TENANT_ID }, () => this.audit.failed(entry));
    throw problem;
  }
}

/** Nobody signs in with a password who has none. */
const isChecked = (account: SignInAccount | undefined): account is CheckedAccount => typeof account?.password_hash === 'string';
