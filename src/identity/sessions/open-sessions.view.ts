import type { Actor } from '../../core/actor.js';
import type { SessionKind } from '../../platform/auth/browsers.js';
import type { OpenSession } from './open-sessions.repository.js';
import { deviceOf } from './session-device.js';

/** A session that is open. */
export class SessionView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  user_id!: string;
  /** @example ada@example.com */
  email!: string;
  /**
   * What holds it: tokens, or the cookie of a browser.
   * @example cookie
   */
  kind!: SessionKind;
  /**
   * What the client said of itself at sign-in, in a few words.
   * @example "Firefox on Linux"
   */
  device!: string;
  /**
   * The address that it was opened from.
   * @example 203.0.113.7
   */
  ip!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /**
   * When it was used last, to about half a minute.
   * @example 2026-01-31T09:30:00.000Z
   */
  last_used_at!: string;
  /**
   * When it ends if it is not used again.
   * @example 2026-03-02T09:30:00.000Z
   */
  expires_at!: string;
  /**
   * Whether it is the one that asks.
   * @example true
   */
  current!: boolean;
}

/** What was ended. */
export class EndedSessionsView {
  /**
   * How many sessions were open.
   * @example 2
   */
  ended!: number;
}

export const toSessionView =
  (actor: Actor) =>
  (session: OpenSession): SessionView => ({
    id: session.id,
    user_id: session.user_id,
    email: session.email,
    kind: session.kind,
    device: deviceOf(session.user_agent),
    ip: session.ip,
    created_at: session.created_at.toISOString(),
    last_used_at: session.last_used_at.toISOString(),
    expires_at: session.ends_at.toISOString(),
    current: actor.kind === 'user' && actor.sessionId === session.id,
  });
