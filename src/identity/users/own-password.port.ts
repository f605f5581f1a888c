import type { UserActor } from '../../core/actor.js';

/** The password of the person who calls, where a session alone will not do. */
export abstract class OwnPassword {
  /**
   * Guesses are counted like those at sign-in. A wrong one leaves a row in the audit log under `action`. Outside of a transaction.
   * @returns the hash that it was right against
   * @throws Problem `invalid_credentials`, `sso_only` for an account without a password, `rate_limited`
   */
  abstract check(person: UserActor, password: string, action: string): Promise<string>;
}
