import type { Role } from '../../core/actor.js';

/** Whom a session is opened for. */
export interface SessionOwner {
  id: string;
  tenantId: string;
  email: string;
  role: Role;
}

/** The two tokens of a session; each is shown once. */
export interface IssuedTokens {
  accessToken: string;
  refreshToken: string;
  /** Life of the access token in seconds. */
  expiresIn: number;
}

export type EndReason = 'logout' | 'refresh_reused' | 'password_changed' | 'user_disabled';

/** The sessions of people, as the rest of the wing uses them. */
export abstract class UserSessions {
  /** Opens a session in the running transaction. The id is the caller's, who acts under it already. */
  abstract open(owner: SessionOwner, sessionId: string): Promise<IssuedTokens>;
  /**
   * Trades a refresh token for new tokens. A spent one ends its whole family, in every process, before it is refused.
   * @throws Problem `refresh_token_reused`, `token_expired`, `unauthenticated`, `tenant_suspended`, `account_disabled`
   */
  abstract refresh(refreshToken: string): Promise<{ owner: SessionOwner; tokens: IssuedTokens }>;
  /** Ends one session of the user in the running transaction. @returns whether it was open */
  abstract end(userId: string, sessionId: string, reason: EndReason): Promise<boolean>;
  /** The id of the user's session that a refresh token belongs to, spent or not. */
  abstract idOf(userId: string, refreshToken: string): Promise<string | undefined>;
  /** Ends all open sessions of the user but one, in the running transaction. @returns how many */
  abstract endAll(userId: string, reason: EndReason, except?: string): Promise<number>;
}
