import type { Restriction, Role } from '../../core/actor.js';
import type { SessionCookies } from '../../platform/auth/browsers.js';

/** Whom a session is opened for. */
export interface SessionOwner {
  id: string;
  tenantId: string;
  email: string;
  role: Role;
}

/** Begins the value of a session cookie, which is no refresh token and is not taken for one. */
export const COOKIE_PREFIX = 'whc_';

/** What a session is held by: two tokens, each shown once, or the cookies of a browser, never shown. */
export type IssuedTokens = IssuedBearer | IssuedCookie;

export interface IssuedBearer {
  kind: 'bearer';
  accessToken: string;
  refreshToken: string;
  /** Life of the access token in seconds. */
  expiresIn: number;
}

export interface IssuedCookie extends SessionCookies {
  kind: 'cookie';
}

export type EndReason = 'logout' | 'refresh_reused' | 'password_changed' | 'user_disabled' | 'mfa_enabled' | 'mfa_reset' | 'ended_by_admin' | 'ended_by_user' | 'sso_enforced' | 'sso_provider_off';

/** How a session is opened. */
export interface SessionOpening {
  /** How the person proved who they are (RFC 8176); `mfa` is among it when there were two factors. */
  amr: readonly string[];
  /** The provider of single sign-on that the person came from; null for a password. */
  providerId: string | null;
}

/** A session that goes on, and what it may do nothing but. */
export interface OpenedSession {
  tokens: IssuedTokens;
  restricted?: Restriction;
}

export interface RefreshedSession extends OpenedSession {
  owner: SessionOwner;
}

/** The sessions of people, as the rest of the wing uses them. */
export abstract class UserSessions {
  /**
   * Opens a session in the running transaction. The id is the caller's, who acts under it already.
   * @throws Problem `conflict` when the way that the person came was shut meanwhile
   */
  abstract open(owner: SessionOwner, sessionId: string, how: SessionOpening): Promise<OpenedSession>;
  /** Notes in the running transaction that the person has proved again who they are. @returns whether the session is open */
  abstract authenticatedAgain(userId: string, sessionId: string, amr: readonly string[]): Promise<boolean>;
  /** Takes away in the running transaction what a second factor gave to the open sessions of the user: it is off. */
  abstract forgetFactor(userId: string): Promise<void>;
  /**
   * Puts a new cookie in the place of one that a browser holds, and lets its session live on. The old one is taken for a
   * minute more, for what is under way and for other tabs; later it ends the session like a spent refresh token.
   * @throws Problem `csrf_failed`, and what `refresh` throws
   */
  abstract refreshCookie(cookie: string, csrfToken: string | undefined): Promise<RefreshedSession>;
  /**
   * Trades a refresh token for new tokens. A spent one ends its whole family, in every process, before it is refused.
   * @throws Problem `refresh_token_reused`, `token_expired`, `unauthenticated`, `tenant_suspended`, `account_disabled`
   */
  abstract refresh(refreshToken: string): Promise<RefreshedSession>;
  /** Ends one session of the user in the running transaction. @returns whether it was open */
  abstract end(userId: string, sessionId: string, reason: EndReason): Promise<boolean>;
  /** The id of the user's session that a refresh token belongs to, spent or not. */
  abstract idOf(userId: string, refreshToken: string): Promise<string | undefined>;
  /** Whether a session of the user is open; if so it stays open until the running transaction ends. */
  abstract holdOpen(userId: string, sessionId: string): Promise<boolean>;
  /** Ends all open sessions of the user but one, and what waits to become one, in the running transaction. @returns how many sessions */
  abstract endAll(userId: string, reason: EndReason, except?: string): Promise<number>;
  /**
   * Whether something has happened since that takes trust from what the person did before: the password changed, or a session was
   * ended otherwise than by signing out of it. In the running transaction.
   */
  abstract distrustedSince(userId: string, since: Date): Promise<boolean>;
  /**
   * Ends, in the running transaction and in every process, the open sessions of the tenant that came a way that is shut now:
   * with a password where there is single sign-on alone, or from a provider that is off. @returns how many
   */
  abstract endShut(reason: EndReason): Promise<number>;
}
