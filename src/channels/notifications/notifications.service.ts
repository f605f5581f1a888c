import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BOOTSTRAP_ADMIN_ID } from '../../core/actor.js';
import { isId, newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound } from '../../core/problem.js';
import { UsersReader } from '../../identity/users/users.reader.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { type Notice, Notifier } from '../../platform/notifications/notifier.port.js';
import { type Notification, SHARED_INBOX } from './notification.entity.js';
import { NotificationMade, NotificationsRead, UnreadCounted } from './notifications.events.js';
import { NotificationsRepository } from './notifications.repository.js';
import type { ReadNotificationsView } from './notifications.view.js';
import { writtenNotice } from './written-notice.js';

/** What people are told in the application, each in an inbox of his own. */
@Injectable()
export class NotificationsService extends Notifier {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: NotificationsRepository,
    private readonly users: UsersReader,
    private readonly events: Events,
    private readonly audit: AuditPort,
  ) {
    super();
  }

  @Transactional()
  async notify(notice: Notice): Promise<void> {
    const { users = [], roles = [] } = notice.to;
    const inboxes = await this.users.activeAmong(users.filter(isId), roles);
    if (roles.includes('admin')) inboxes.push(SHARED_INBOX);
    if (inboxes.length === 0) return;
    const written = writtenNotice(notice);
    const made = await this.repository.insert(this.context.tenantId, inboxes.map((inbox) => ({ ...written, inbox, id: newId() })));
    await this.events.publishMany(
      NotificationMade,
      made.map(({ inbox, id, type, severity, title, link, agent_id }) => ({ user_id: addresseeOf(inbox), notification_id: id, type, severity, title, link, agent_id })),
    );
  }

  /** What there was to do about it is done: nobody needs to read the notices of this key any more. */
  @Transactional()
  async settle(key: string): Promise<void> {
    const inboxes = await this.repository.settle(this.context.tenantId, key);
    await this.events.publishMany(NotificationsRead, inboxes.map((inbox) => ({ user_id: addresseeOf(inbox), count: 1 })));
  }

  /** How many of a type the tenant's administrators were told since then, as far as `most`. */
  @Transactional()
  toldSince(type: string, since: Date, most: number): Promise<number> {
    return this.repository.countSince(this.context.tenantId, type, since, most);
  }

  @Transactional()
  async list(unreadOnly: boolean, request: PageRequest): Promise<{ page: Page<Notification>; unread: number }> {
    const { tenantId } = this.context;
    const inbox = this.ownInbox();
    return { page: await this.repository.page(tenantId, inbox, unreadOnly, request), unread: await this.repository.countUnread(tenantId, inbox) };
  }

  @Transactional()
  unread(): Promise<number> {
    return this.repository.countUnread(this.context.tenantId, this.ownInbox());
  }

  /** Marks own notices as read: these, or all. */
  @Transactional()
  async read(ids?: readonly string[]): Promise<ReadNotificationsView> {
    const { tenantId } = this.context;
    const inbox = this.ownInbox();
    const updated = await this.repository.markRead(tenantId, inbox, ids);
    if (updated > 0) await this.tellRead(inbox, updated);
    return { updated, unread_count: await this.repository.countUnread(tenantId, inbox) };
  }

  /** @throws Problem `not_found`, `precondition_failed` */
  @Transactional()
  async readOne(id: string): Promise<Notification> {
    const { tenantId } = this.context;
    const inbox = this.ownInbox();
    const before = await this.repository.lock(tenantId, inbox, id);
    if (!before) throw notFound('notification');
    checkIfMatch(this.context.get('ifMatch'), before);
    if (before.read_at) return before;
    await this.repository.markRead(tenantId, inbox, [id]);
    await this.tellRead(inbox, 1, id);
    return (await this.repository.lock(tenantId, inbox, id)) ?? before;
  }

  /** After notices came or were read: keeps the newest of the inboxes, and tells their owners how many are unread. */
  @Transactional()
  async recount(addressees: readonly string[]): Promise<void> {
    const { tenantId } = this.context;
    const counted: { user_id: string; unread_count: number }[] = [];
    for (const user_id of addressees) {
      const inbox = isId(user_id) ? user_id : SHARED_INBOX;
      await this.repository.trim(tenantId, inbox);
      counted.push({ user_id, unread_count: await this.repository.countUnread(tenantId, inbox) });
    }
    await this.events.publishMany(UnreadCounted, counted);
  }

  private async tellRead(inbox: string, count: number, id?: string): Promise<void> {
    await this.audit.record({ action: 'notification.read', ...(id === undefined ? {} : { resource: { type: 'notification', id } }), detail: { count } });
    await this.events.publish(NotificationsRead, { user_id: addresseeOf(inbox), count });
  }

  /** A person's own, also by key; who has no account in the tenant sees what its administrators are told. */
  private ownInbox(): string {
    const { actor, tenantId } = this.context;
    if (actor.tenantId === tenantId && actor.kind === 'user') return actor.id;
    if (actor.tenantId === tenantId && actor.kind === 'api_key') return actor.ownerId;
    return SHARED_INBOX;
  }
}

/** For whom facts about an inbox are, as /ws knows callers. */
const addresseeOf = (inbox: string): string => (inbox === SHARED_INBOX ? BOOTSTRAP_ADMIN_ID : inbox);
