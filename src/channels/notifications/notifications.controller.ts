import { Body, Get, Param, Patch, Put, Query } from '@nestjs/common';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ListNotificationsQuery, ReadNotificationsDto } from './notifications.dto.js';
import { NotificationsService } from './notifications.service.js';
import { NotificationPageView, NotificationView, ReadNotificationsView, toNotificationPageView, toNotificationView, UnreadCountView } from './notifications.view.js';

@ApiController('notifications', 'Channels / Notifications')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  /**
   * Lists the own notices, newest first, with how many are unread. An API key sees its owner's; a bootstrap token, and an operator who
   * acts for a tenant, see what the tenant's administrators are told. The newest 1,000 are kept.
   */
  @Get()
  @Operation({ id: 'listNotifications', allow: 'notification:read', returns: NotificationPageView })
  async list(@Query() query: ListNotificationsQuery): Promise<NotificationPageView> {
    const { page, unread } = await this.notifications.list(query.unread_only ?? false, query);
    return toNotificationPageView(page, unread);
  }

  /** Says how many notices are unread. `notification.unread` on /ws says it whenever it changes. */
  @Get('unread-count')
  @Operation({ id: 'countUnreadNotifications', allow: 'notification:read', returns: UnreadCountView })
  async unreadCount(): Promise<UnreadCountView> {
    return { unread_count: await this.notifications.unread() };
  }

  /** Marks notices as read: those that are named, or all. */
  @Patch()
  @Operation({ id: 'updateNotifications', allow: 'notification:write', returns: ReadNotificationsView })
  readSome(@Body() { ids }: ReadNotificationsDto): Promise<ReadNotificationsView> {
    return this.notifications.read(ids);
  }

  /** Marks all notices as read that are there now. */
  @Put('read-all')
  @Operation({ id: 'readAllNotifications', allow: 'notification:write', returns: ReadNotificationsView })
  readAll(): Promise<ReadNotificationsView> {
    return this.notifications.read();
  }

  /** Marks a notice as read. */
  @Put(':id/read')
  @Operation({ id: 'readNotification', allow: 'notification:write', returns: NotificationView, problems: ['not_found', 'precondition_failed'] })
  async readOne(@Param('id', Uuid) id: string): Promise<NotificationView> {
    return toNotificationView(await this.notifications.readOne(id));
  }
}
