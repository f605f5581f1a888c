import type { Response } from 'express';
import type { Restriction } from '../../core/actor.js';
import type { Browsers } from '../../platform/auth/browsers.js';
import type { SignedIn, SignInOutcome } from './sign-in-completion.port.js';
import { UserView } from '../users/users.view.js';

/** The tokens of a session, shown once, and whose it is. */
export class TokensView {
  /**
   * Send it as `Authorization: Bearer`. Left out when a cookie holds the session.
   * @example eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ0aWQiOiIwMDAwIn0.c2lnbmF0dXJl
   */
  access_token?: string;
  /**
   * Trade it at /auth/refresh before the access token expires; each works once. Left out when a cookie holds the session.
   * @example whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  refresh_token?: string;
  /**
   * bearer, or cookie: then the answer sets the session cookie and carries no tokens.
   * @example bearer
   */
  token_type!: 'bearer' | 'cookie';
  /**
   * With a cookie: what to send as `x-csrf-token` on every request that is no GET. It stands in a cookie that scripts may read, too.
   * @example 3q2-7wAAAABlbXB0eS1zZXNzaW9uLWNzcmYtdG9rZW4tZXhhbXBsZS1vbmx5LTEyMzQ1Njc4
   */
  csrf_token?: string;
  /**
   * Seconds until the access token, or the cookie, expires.
   * @example 900
   */
  expires_in!: number;
  /**
   * Given and true when the policy asks for a second factor that is not there: the session can do nothing but set it up.
   * @example true
   */
  mfa_setup_required?: true;
  /**
   * Given and true when the policy asks for a new password: the session can do nothing but change it.
   * @example true
   */
  password_expired?: true;
  /** Who signed in. */
  user!: UserView;
}

/** A sign-in that waits for its second factor. */
export class MfaRequiredView {
  /** @example true */
  mfa_required!: true;
  /**
   * Send it to /auth/mfa/challenge with a code. It works once.
   * @example whm_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  challenge_token!: string;
  /**
   * What it can be answered with.
   * @example ["totp", "recovery_code"]
   */
  methods!: ('totp' | 'recovery_code')[];
  /**
   * Seconds until it expires.
   * @example 300
   */
  expires_in!: number;
}

/** The answer to a first factor: a session, or the question for the second. */
export function answerFirstFactor(browsers: Browsers, response: Response, outcome: SignInOutcome): TokensView | MfaRequiredView {
  if (!('pending' in outcome)) return answerSignIn(browsers, response, outcome);
  const { challengeToken, methods, expiresIn } = outcome.pending;
  return { mfa_required: true, challenge_token: challengeToken, methods: [...methods], expires_in: expiresIn };
}

const SAID_OF = { mfa_setup: { mfa_setup_required: true }, password_expired: { password_expired: true } } as const satisfies Record<Restriction, Partial<TokensView>>;

/** The answer to a sign-in. What a browser holds goes into its cookies, and the tokens of everyone else into the body. */
export function answerSignIn(browsers: Browsers, response: Response, { tokens, user, restricted }: SignedIn): TokensView {
  const rest = { ...(restricted ? SAID_OF[restricted] : {}), user };
  if (tokens.kind === 'bearer') {
    return { access_token: tokens.accessToken, refresh_token: tokens.refreshToken, token_type: 'bearer', expires_in: tokens.expiresIn, ...rest };
  }
  browsers.setCookies(response, tokens);
  return { token_type: 'cookie', csrf_token: tokens.csrfToken, expires_in: tokens.maxAgeSeconds, ...rest };
}
