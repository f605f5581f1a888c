/** Where an attempt comes from. */
export interface Whence {
  ip: string | undefined;
  /** Whether the person was signed in from there before: others who guess elsewhere then make no difference. */
  isKnown: boolean;
}

/** For what takes more than knowing an account, so that only its own count matters, wherever attempts come from. */
export const EVERYWHERE: Whence = { ip: undefined, isKnown: true };

/**
 * Counts guesses at a secret of one subject (an address, an account), so that they get slower and slower. An attempt is
 * counted before it is checked and forgotten when it was right: fifty at the same moment are fifty.
 */
export abstract class SignInAttempts {
  /**
   * Counts an attempt at a subject from a network. Each network has as many attempts as are free, and then waits; one that the
   * subject was not seen in before has one attempt in each longest wait once that many failed from wherever. So whoever guesses
   * from many networks gets slow, and keeps nobody out who comes from another.
   * @param tenantId whose policy says how many are free; left out, the operator's: whoever guesses at what may not exist
   * must not see by the numbers whether it does
   * @throws Problem `rate_limited` while the subject has to wait
   */
  abstract admit(subject: string, from: Whence, tenantId?: string): Promise<void>;
  /** The secret was right: what came before is forgotten. */
  abstract clear(subject: string, from: Whence): Promise<void>;
}
