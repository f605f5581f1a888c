import type { Page } from '../../core/page.js';
import { PageView } from '../../platform/http/page.view.js';
import type { Severity } from '../../platform/notifications/notifier.port.js';
import type { Notification } from './notification.entity.js';

/** A notice to the caller. */
export class NotificationView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * What it is about: approval, agent_error, agent_killed, dead_letter, circuit_breaker, plan_limit, workflow_failure, or a word of who sent it.
   * @example agent_error
   */
  type!: string;
  /**
   * info, warning, high or critical.
   * @example high
   */
  severity!: Severity;
  /** @example "Agent crawler reports an error" */
  title!: string;
  /** @example "It gets no tasks until it says otherwise." */
  body!: string | null;
  /**
   * Where to look: a path, or an http(s) address.
   * @example /agents/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  link!: string | null;
  /**
   * More for programs.
   * @example { "agent_id": "0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01" }
   */
  metadata!: object;
  /** @example false */
  read!: boolean;
  /** @example null */
  read_at!: string | null;
  /**
   * Grows by one with every change.
   * @example 1
   */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

/** A page of notices, with how many are unread. */
export class NotificationPageView extends PageView {
  /** Newest first. */
  items!: NotificationView[];
  /**
   * Unread notices, also of other pages.
   * @example 1
   */
  unread_count!: number;
}

/** How many notices are unread. */
export class UnreadCountView {
  /** @example 3 */
  unread_count!: number;
}

/** What came of reading. */
export class ReadNotificationsView extends UnreadCountView {
  /**
   * How many were unread until now.
   * @example 2
   */
  updated!: number;
}

export function toNotificationView({ id, type, severity, title, body, link, metadata, read_at, revision, created_at }: Notification): NotificationView {
  return { id, type, severity, title, body, link, metadata, read: read_at !== null, read_at: read_at?.toISOString() ?? null, revision, created_at: created_at.toISOString() };
}

export function toNotificationPageView({ items, ...page }: Page<Notification>, unread: number): NotificationPageView {
  return { ...page, items: items.map(toNotificationView), unread_count: unread };
}
