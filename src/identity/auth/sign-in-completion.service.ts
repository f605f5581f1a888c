import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { UserActor } from '../../core/actor.js';
import { newId } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { newToken } from '../../platform/crypto/tokens.js';
import { SecurityPolicies } from '../access-policy/security-policies.reader.js';
import { type FactorAnswer, SECOND_FACTOR_AMR, SecondFactors } from '../mfa/second-factors.port.js';
import { type SessionOwner, UserSessions } from '../sessions/user-sessions.port.js';
import { passwordProof, UserAccounts } from '../users/user-accounts.port.js';
import { CHALLENGE_SECONDS, type SignInChallenge, SignInChallengesRepository } from './sign-in-challenges.repository.js';
import { type FirstFactor, type SignedIn, SignInCompletion, type SignInOutcome } from './sign-in-completion.port.js';

export const CHALLENGE_PREFIX = 'whm_';

/** What a session is opened on. */
interface Shown {
  amr: readonly string[];
  via: FirstFactor['via'] | 'challenge';
  proof: Buffer | null;
  /** The provider that the person came from; null for a password. */
  providerId: string | null;
}

/** Opens the session when the factors that were shown are enough, and asks for the second one when they are not. */
@Injectable()
export class SignInCompletionService extends SignInCompletion {
  constructor(
    private readonly accounts: UserAccounts,
    private readonly sessions: UserSessions,
    private readonly factors: SecondFactors,
    private readonly challenges: SignInChallengesRepository,
    private readonly policies: SecurityPolicies,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {
    super();
  }

  async afterFirstFactor(owner: SessionOwner, { amr, via, checkedHash, providerId }: FirstFactor): Promise<SignInOutcome> {
    const { mfa } = await this.policies.of(owner.tenantId);
    const shown: Shown = { amr, via, proof: checkedHash === undefined ? null : passwordProof(checkedHash), providerId: providerId ?? null };
    const isEnough = via === 'sso' && amr.includes('mfa') && mfa.after_sso === 'unless_amr';
    return this.as(owner, (sessionId) => this.openOrAsk(owner, sessionId, shown, isEnough));
  }

  /** The second factor of a sign-in that waited for it. The answer, the challenge and the session stand or fall together. */
  afterChallenge(challenge: SignInChallenge, answer: FactorAnswer): Promise<SignedIn> {
    const owner = { id: challenge.user_id, tenantId: challenge.tenant_id, email: challenge.email, role: challenge.role };
    const shown: Shown = { amr: [...new Set([...challenge.amr, ...SECOND_FACTOR_AMR])], via: 'challenge', proof: challenge.checked, providerId: challenge.provider_id };
    return this.as(owner, (sessionId) =>
      this.factors.prove(owner.id, answer, 'auth.login', async () => {
        if (!(await this.challenges.take(challenge.id))) throw new Problem('mfa_challenge_invalid');
        return this.open(owner, sessionId, shown);
      }),
    );
  }

  /** As the person, under the session that is about to be opened. */
  private as<T>(owner: SessionOwner, work: (sessionId: string) => Promise<T>): Promise<T> {
    const sessionId = newId();
    const actor: UserActor = { kind: 'user', id: owner.id, tenantId: owner.tenantId, role: owner.role, sessionId, authenticatedAt: new Date(), mfa: false, label: owner.email };
    return this.context.within({ tenantId: owner.tenantId, actor }, () => work(sessionId));
  }

  @Transactional()
  protected async openOrAsk(owner: SessionOwner, sessionId: string, shown: Shown, isEnough: boolean): Promise<SignInOutcome> {
    if (!isEnough && (await this.factors.isOn(owner.id))) return this.ask(owner, shown);
    return this.open(owner, sessionId, shown);
  }

  private async ask({ id }: SessionOwner, { amr, via, proof, providerId }: Shown): Promise<SignInOutcome> {
    const { token, hash } = newToken(CHALLENGE_PREFIX);
    const challengeId = newId();
    await this.challenges.insert({ id: challengeId, userId: id, tokenHash: hash, checked: proof, amr, providerId });
    await this.audit.record({ action: 'auth.challenge', resource: { type: 'user', id }, detail: { via, amr } });
    return { pending: { challengeToken: token, methods: ['totp', 'recovery_code'], expiresIn: CHALLENGE_SECONDS } };
  }

  private async open(owner: SessionOwner, sessionId: string, { amr, via, proof, providerId }: Shown): Promise<SignedIn> {
    const user = await this.accounts.signedIn(owner.id, proof);
    if (!user) throw new Problem('invalid_credentials');
    // Turned on while this sign-in was under way: the line above waited for that.
    if (!amr.includes('mfa') && (await this.factors.isOn(owner.id))) throw new Problem('conflict', { detail: 'The account was changed meanwhile.', remedy: 'Sign in again.' });
    const opened = await this.sessions.open(owner, sessionId, { amr, providerId });
    await this.audit.record({ action: 'auth.login', resource: { type: 'session', id: sessionId }, detail: { via, amr } });
    return { ...opened, user };
  }
}
