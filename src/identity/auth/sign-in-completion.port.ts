import type { Restriction } from '../../core/actor.js';
import type { IssuedTokens, SessionOwner } from '../sessions/user-sessions.port.js';
import type { UserView } from '../users/users.view.js';

/** How a person proved who they are, before a second factor is thought of. */
export interface FirstFactor {
  via: 'password' | 'sso';
  /** How, in the words of RFC 8176: `pwd`, or what the provider says; `mfa` is among it when that was two factors. */
  amr: readonly string[];
  /** The hash that the password was checked against: the sign-in is refused when it is another by now. */
  checkedHash?: string;
  /** The provider, after single sign-on. */
  providerId?: string;
}

/** A sign-in that waits for its second factor. */
export interface PendingSignIn {
  challengeToken: string;
  methods: readonly ('totp' | 'recovery_code')[];
  /** Seconds until the challenge expires. */
  expiresIn: number;
}

/** A session that was opened. */
export interface SignedIn {
  tokens: IssuedTokens;
  user: UserView;
  /** What the session may do nothing but. */
  restricted?: Restriction;
}

export type SignInOutcome = SignedIn | { pending: PendingSignIn };

/** What comes after the first factor, whichever it was. */
export abstract class SignInCompletion {
  /**
   * Decides what the first factor opens: a session, one that can do nothing but set up a second factor, or the question
   * for the second factor. Call it outside of a transaction, after `sessionKind` was put into the context.
   * @throws Problem `invalid_credentials` when the account was changed or disabled meanwhile, `conflict` when the way was shut
   */
  abstract afterFirstFactor(owner: SessionOwner, first: FirstFactor): Promise<SignInOutcome>;
}
