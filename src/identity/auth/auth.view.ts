import type { IssuedTokens } from '../sessions/user-sessions.port.js';
import { UserView } from '../users/users.view.js';

/** The tokens of a session, shown once, and whose it is. */
export class TokensView {
  /**
   * Send it as `Authorization: Bearer`.
   * @example eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJ0aWQiOiIwMDAwIn0.c2lnbmF0dXJl
   */
  access_token!: string;
  /**
   * Trade it at /auth/refresh before the access token expires; each works once.
   * @example whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  refresh_token!: string;
  /** @example bearer */
  token_type!: 'bearer';
  /**
   * Seconds until the access token expires.
   * @example 900
   */
  expires_in!: number;
  /** Who signed in. */
  user!: UserView;
}

export function toTokensView({ tokens, user }: { tokens: IssuedTokens; user: UserView }): TokensView {
  return { access_token: tokens.accessToken, refresh_token: tokens.refreshToken, token_type: 'bearer', expires_in: tokens.expiresIn, user };
}
