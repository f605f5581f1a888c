import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../../identity/users/users.module.js';
import { erasable } from '../../platform/erasure/erasable.js';
import { Notifier } from '../../platform/notifications/notifier.port.js';
import { ApprovalsModule } from '../../safeguards/approvals/approvals.module.js';
import { InboxKeeper } from './inbox-keeper.listener.js';
import { Notification } from './notification.entity.js';
import { NotificationsCleaner } from './notifications.cleaner.js';
import { NotificationsController } from './notifications.controller.js';
import { NOTIFICATION_CONTENT } from './notifications.erasure.js';
import { NotificationsRepository } from './notifications.repository.js';
import { NotificationsService } from './notifications.service.js';
import { SystemNotices } from './system-notices.listener.js';

/** What people are told in the application. Global for the port through which every domain tells them. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Notification]), ApprovalsModule, UsersModule],
  controllers: [NotificationsController],
  providers: [NotificationsRepository, NotificationsService, InboxKeeper, SystemNotices, NotificationsCleaner, { provide: Notifier, useExisting: NotificationsService }, erasable({ ofAgents: NOTIFICATION_CONTENT })],
  exports: [Notifier],
})
export class NotificationsModule {}
