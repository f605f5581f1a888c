import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { invalidField, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { EVERYWHERE, SignInAttempts, type Whence } from '../sessions/sign-in-attempts.port.js';
import { MfaRepository, type StoredFactor } from './mfa.repository.js';
import { hashRecoveryCode } from './recovery-codes.js';
import { type FactorAnswer, SecondFactors } from './second-factors.port.js';
import { stepOf } from './totp.js';

/** No code is of it, so it uses nothing up: a wrong code takes the same way as one that was used before. */
const NO_STEP = -1;

/**
 * As many codes may be wrong in a row, whatever the tenant's policy says of waiting in between (NIST SP 800-63B, section 5.2.2):
 * three steps are right at a time, so that nobody guesses one with a chance of more than 0.03 %.
 */
const MOST_WRONG_CODES = 100;

type Method = 'totp' | 'recovery_code';
type Use = () => Promise<boolean>;

/** Checks codes. Guesses are counted by account before they are checked, in the database, whichever way they came. */
@Injectable()
export class SecondFactorsService extends SecondFactors {
  constructor(
    private readonly factors: MfaRepository,
    private readonly cipher: TenantCipher,
    private readonly attempts: SignInAttempts,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
  ) {
    super();
  }

  async isOn(userId: string): Promise<boolean> {
    const factor = await this.factors.find(userId);
    return factor !== undefined && factor.enabled_at !== null;
  }

  async prove<T>(userId: string, answer: FactorAnswer, action: string, work: () => Promise<T>): Promise<T> {
    const method = methodOf(answer);
    const from = await this.admit(userId, action, method);
    const use = await this.useOf(userId, answer, action);
    const done = await this.useAndDo(userId, method, use, work);
    if (!done) return this.refuse(userId, action, method, 'wrong_code', new Problem('mfa_code_invalid'));
    await this.attempts.clear(subjectOf(userId), from);
    return done.result;
  }

  /** Counts an attempt, also at the first code of a factor that is not on yet. */
  async admit(userId: string, action: string, method: Method): Promise<Whence> {
    const from = await this.whence(userId);
    try {
      await this.attempts.admit(subjectOf(userId), from, this.context.tenantId);
      return from;
    } catch (error) {
      if (error instanceof Problem && error.code === 'rate_limited') return this.refuse(userId, action, method, 'too_many_attempts', error);
      throw error;
    }
  }

  async clear(userId: string, from: Whence): Promise<void> {
    await this.attempts.clear(subjectOf(userId), from);
  }

  /** Codes are guessed by whoever has the password: all of them are counted together, but for where the person was signed in before. */
  @Transactional()
  protected async whence(userId: string): Promise<Whence> {
    const ip = this.context.get('ip');
    return ip !== undefined && (await this.factors.isKnownNetwork(userId, ip)) ? { ip, isKnown: true } : EVERYWHERE;
  }

  async refuse(userId: string, action: string, method: Method, reason: string, problem: Problem): Promise<never> {
    await this.audit.failed({ action, resource: { type: 'user', id: userId }, detail: { reason, method } });
    throw problem;
  }

  @Transactional()
  read(userId: string): Promise<StoredFactor | undefined> {
    return this.factors.find(userId);
  }

  /** In a transaction of its own: a try counts whatever comes of it. */
  @Transactional()
  protected tryCode(userId: string): ReturnType<MfaRepository['tryCode']> {
    return this.factors.tryCode(userId);
  }

  /** The time step that a code is of, by the database's clock. */
  async stepOf(userId: string, factor: StoredFactor, code: string): Promise<number> {
    return stepOf(await this.cipher.open(secretPlace(this.context.tenantId, userId), factor.sealed_secret), code, factor.now) ?? NO_STEP;
  }

  private async useOf(userId: string, { code, recovery_code: recoveryCode }: FactorAnswer, action: string): Promise<Use> {
    if (recoveryCode !== undefined) return () => this.factors.useRecoveryCode(userId, hashRecoveryCode(userId, recoveryCode));
    const factor = await this.tryCode(userId);
    if (factor && factor.codes_tried > MOST_WRONG_CODES) return this.refuse(userId, action, 'totp', 'codes_exhausted', new Problem('mfa_codes_exhausted', { limit: MOST_WRONG_CODES }));
    if (!factor || code === undefined) return () => Promise.resolve(false);
    // Opened before the transaction, which holds a connection.
    const step = await this.stepOf(userId, factor, code);
    return () => this.factors.useStep(userId, factor.sealed_secret, step);
  }

  @Transactional()
  protected async useAndDo<T>(userId: string, method: Method, use: Use, work: () => Promise<T>): Promise<{ result: T } | undefined> {
    if (!(await use())) return undefined;
    await this.factors.forgetTries(userId);
    if (method === 'recovery_code') {
      const left = await this.factors.codesLeft(userId);
      await this.audit.record({ action: 'mfa.use_recovery_code', resource: { type: 'user', id: userId }, detail: { left } });
    }
    return { result: await work() };
  }
}

/** Where the secret of a person is sealed. */
export const secretPlace = (tenantId: string, userId: string): { tenantId: string; row: string } => ({ tenantId, row: `user_mfa/${userId}/sealed_secret` });

const subjectOf = (userId: string): string => `mfa:${userId}`;

function methodOf({ code, recovery_code: recoveryCode }: FactorAnswer): Method {
  if (code === undefined && recoveryCode === undefined) throw invalidField('code', 'required', 'is needed, or recovery_code in its place');
  if (code !== undefined && recoveryCode !== undefined) throw invalidField('recovery_code', 'unknown_field', 'must not be given together with code');
  return code === undefined ? 'recovery_code' : 'totp';
}
