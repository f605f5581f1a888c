/**
 * Counts guesses at a secret of one subject (an address, an account), so that they get slower and slower. An attempt is
 * counted before it is checked and forgotten when it was right: fifty at the same moment are fifty.
 */
export abstract class SignInAttempts {
  /**
   * @param tenantId whose policy says how many are free; left out, the operator's: whoever guesses at what may not exist
   * must not see by the numbers whether it does
   * @throws Problem `rate_limited` while the subject has to wait
   */
  abstract admit(subject: string, tenantId?: string): Promise<void>;
  /** The secret was right: what came before is forgotten. */
  abstract clear(subject: string): Promise<void>;
}
