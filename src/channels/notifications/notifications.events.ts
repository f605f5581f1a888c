import { defineEvent } from '../../core/event.js';

/** A user was told something. Reaches that user alone. */
export const NotificationMade = defineEvent<{
  user_id: string;
  notification_id: string;
  type: string;
  severity: string;
  title: string;
  link: string | null;
  agent_id: string | null;
}>('notification');

/** A user has read notices, or they are settled by themselves. */
export const NotificationsRead = defineEvent<{ user_id: string; count: number }>('notification.read');

/** How many notices of a user are unread now. Follows the other two, once for many of them. */
export const UnreadCounted = defineEvent<{ user_id: string; unread_count: number }>('notification.unread');
