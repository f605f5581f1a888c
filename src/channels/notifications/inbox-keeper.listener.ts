import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { StoredEvent } from '../../core/event.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import { NotificationMade, NotificationsRead } from './notifications.events.js';
import { NotificationsService } from './notifications.service.js';

/**
 * Keeps inboxes bounded, and counts what is unread after what came: one process at a time and behind the commits, so that the
 * last count that a client hears is right, whoever wrote or read at the same moment.
 */
@Injectable()
export class InboxKeeper implements OnModuleInit {
  constructor(
    private readonly consumers: EventConsumers,
    private readonly notifications: NotificationsService,
  ) {}

  onModuleInit(): void {
    const recount = (facts: readonly StoredEvent<{ user_id: string }>[]): Promise<void> => this.notifications.recount([...new Set(facts.map(({ data }) => data.user_id))]);
    this.consumers.onMany('inbox-keeper', NotificationMade, recount);
    this.consumers.onMany('inbox-keeper', NotificationsRead, recount);
  }
}
