import { Injectable } from '@nestjs/common';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import type { SessionKind } from '../../platform/auth/browsers.js';
import { NetworkRules } from '../../platform/auth/network-rules.port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { hashToken, isWellFormedToken } from '../../platform/crypto/tokens.js';
import type { FactorAnswer } from '../mfa/second-factors.port.js';
import { type SignInChallenge, SignInChallengesRepository } from './sign-in-challenges.repository.js';
import { CHALLENGE_PREFIX, SignInCompletionService } from './sign-in-completion.service.js';
import type { SignedIn } from './sign-in-completion.port.js';

/** The second half of a sign-in. */
@Injectable()
export class SignInChallengeService {
  constructor(
    private readonly challenges: SignInChallengesRepository,
    private readonly completion: SignInCompletionService,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly networks: NetworkRules,
  ) {}

  /** @param admitKind checks what was to hold the session against the request that opens it now */
  async answer(token: string, answer: FactorAnswer, admitKind: (kind: SessionKind) => SessionKind): Promise<SignedIn> {
    const challenge = isWellFormedToken(token, CHALLENGE_PREFIX) ? await this.challenges.attempt(hashToken(token)) : undefined;
    if (!challenge) return this.refuse('unknown_challenge', new Problem('mfa_challenge_invalid'));
    if (!(await this.networks.admits(challenge.tenant_id, this.context.get('ip')))) return this.refuse('address_not_allowed', new Problem('mfa_challenge_invalid'), challenge);
    if (challenge.tenant_status === 'suspended') return this.refuse('tenant_suspended', new Problem('tenant_suspended'), challenge);
    if (!challenge.is_active) return this.refuse('account_disabled', new Problem('account_disabled'), challenge);
    this.context.set('sessionKind', admitKind(challenge.session_kind));
    return this.completion.afterChallenge(challenge, answer);
  }

  private async refuse(reason: string, problem: Problem, challenge?: SignInChallenge): Promise<never> {
    const resource = challenge && { type: 'user', id: challenge.user_id };
    const entry = { action: 'auth.login', ...(resource ? { resource } : {}), detail: { reason } };
    await this.context.within({ tenantId: challenge?.tenant_id ?? OPERATOR_TENANT_ID }, () => this.audit.failed(entry));
    throw problem;
  }
}
