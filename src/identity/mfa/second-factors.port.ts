/** Six digits of an authenticator. */
export const CODE = /^\d{6}$/;
export const RECOVERY_CODE = /^[0-9a-z]{4}(-[0-9a-z]{4}){3}$/i;

/** How a session is marked that a second factor opened (RFC 8176). */
export const SECOND_FACTOR_AMR: readonly string[] = ['otp', 'mfa'];

/** What a person shows as the second factor: one of the two. */
export interface FactorAnswer {
  code?: string;
  recovery_code?: string;
}

/** The second factors of the people of the context's tenant. */
export abstract class SecondFactors {
  /** In the running transaction. */
  abstract isOn(userId: string): Promise<boolean>;
  /**
   * Checks an answer, uses it up and does `work` in one transaction: when that fails, the answer was not used. It works
   * once, however many bring it at the same moment. A wrong one leaves a row in the audit log under `action`. Outside of
   * a transaction.
   * @throws Problem `mfa_code_invalid`, `rate_limited`; `invalid_request` when not exactly one of the two was given
   */
  abstract prove<T>(userId: string, answer: FactorAnswer, action: string, work: () => Promise<T>): Promise<T>;
}
