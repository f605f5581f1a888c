import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { prepared } from '../../platform/database/prepared.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { type NewNotification, Notification, SHARED_INBOX } from './notification.entity.js';

/** So many of an inbox are kept, the newest; more is for nobody to read. */
export const MOST_KEPT = 1_000;
const BATCH = 5_000;

/** Counts no further than an inbox may hold: of however many others there are, it reads its own part of the index of what is unread. */
export const COUNT_UNREAD = `select count(*)::int as count from (select 1 from notifications where tenant_id = $1 and inbox = $2 and read_at is null limit ${MOST_KEPT}) as unread`;

const INSERT = prepared(
  `insert into notifications (tenant_id, inbox, id, user_id, type, severity, title, body, link, metadata, key, agent_id)
   select $1, inbox, id, nullif(inbox, '${SHARED_INBOX}'), type, severity, title, body, link, metadata::jsonb, key, agent_id
   from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::uuid[])
     as made (inbox, id, type, severity, title, body, link, metadata, key, agent_id)
   on conflict (tenant_id, inbox, key) where key is not null do nothing
   returning id`,
);

/** Rows of `notifications`. */
@Injectable()
export class NotificationsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /** @returns those that are new: of a key that an inbox has had, there is no second */
  async insert(tenantId: string, rows: readonly NewNotification[]): Promise<NewNotification[]> {
    const column = <K extends keyof NewNotification>(name: K): NewNotification[K][] => rows.map((row) => row[name]);
    const written = await this.sql.rows<{ id: string }>(INSERT, [
      tenantId, column('inbox'), column('id'), column('type'), column('severity'), column('title'), column('body'), column('link'),
      column('metadata').map((metadata) => JSON.stringify(metadata)), column('key'), column('agent_id'),
    ]);
    const ids = new Set(written.map(({ id }) => id));
    return rows.filter(({ id }) => ids.has(id));
  }

  page(tenantId: string, inbox: string, unreadOnly: boolean, request: PageRequest): Promise<Page<Notification>> {
    const query = this.sql.manager.createQueryBuilder(Notification, 'notification').where('notification.tenant_id = :tenantId and notification.inbox = :inbox', { tenantId, inbox });
    if (unreadOnly) query.andWhere('notification.read_at is null');
    return pageOfQuery(query, request);
  }

  lock(tenantId: string, inbox: string, id: string): Promise<Notification | undefined> {
    return this.sql.row<Notification>('select * from notifications where tenant_id = $1 and inbox = $2 and id = $3 for update', [tenantId, inbox, id]);
  }

  async countUnread(tenantId: string, inbox: string): Promise<number> {
    return (await this.sql.row<{ count: number }>(COUNT_UNREAD, [tenantId, inbox]))?.count ?? 0;
  }

  /** @returns how many were unread */
  markRead(tenantId: string, inbox: string, ids?: readonly string[]): Promise<number> {
    return this.sql.execute(
      `update notifications set read_at = now(), revision = revision + 1
       where tenant_id = $1 and inbox = $2 and read_at is null and ($3::uuid[] is null or id = any($3))`,
      [tenantId, inbox, ids ?? null],
    );
  }

  /** Marks what has this key as read, in every inbox. @returns the inboxes in which something was unread */
  async settle(tenantId: string, key: string): Promise<string[]> {
    const rows = await this.sql.rows<{ inbox: string }>(
      'update notifications set read_at = now(), revision = revision + 1 where tenant_id = $1 and key = $2 and read_at is null returning inbox',
      [tenantId, key],
    );
    return rows.map(({ inbox }) => inbox);
  }

  /** How many of a type the administrators were told since then; counts no further than `most`. */
  async countSince(tenantId: string, type: string, since: Date, most: number): Promise<number> {
    const row = await this.sql.row<{ count: number }>(
      `select count(*)::int as count from (
         select 1 from (select type, created_at from notifications where tenant_id = $1 and inbox = '${SHARED_INBOX}' order by id desc limit ${MOST_KEPT}) latest
         where type = $2 and created_at >= $3 limit $4
       ) as counted`,
      [tenantId, type, since, most],
    );
    return row?.count ?? 0;
  }

  /** Removes what an inbox holds beyond the newest. */
  async trim(tenantId: string, inbox: string): Promise<void> {
    await this.sql.execute(
      `delete from notifications where tenant_id = $1 and inbox = $2 and id <= (
         select id from notifications where tenant_id = $1 and inbox = $2 order by id desc offset ${MOST_KEPT} limit 1)`,
      [tenantId, inbox],
    );
  }

  /** Removes what is so old, of whatever tenant. */
  async removeOld(days: number, signal: AbortSignal): Promise<void> {
    for (let removed = BATCH; removed === BATCH; ) {
      signal.throwIfAborted();
      removed = await this.database.execute(
        'delete from notifications where ctid = any(array(select ctid from notifications where created_at < now() - make_interval(days => $1) limit $2))',
        [days, BATCH],
      );
    }
  }
}
