import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { lockRow, pageOfQuery } from '../../platform/database/table.js';
import { type Direction, Webhook } from './webhook.entity.js';

export type NewWebhook = Omit<Webhook, 'secret_version' | 'previous_secret' | 'previous_secret_until' | 'disabled_reason' | 'revision' | 'created_at' | 'updated_at'>;
export type WebhookPatch = Partial<Pick<Webhook, 'name' | 'url' | 'events' | 'order_by' | 'max_concurrent' | 'timeout_seconds' | 'sees_as' | 'agent_id' | 'signature_form' | 'replay_seconds' | 'is_enabled' | 'disabled_reason'>>;

/** What of a subscription decides whether it gets an event. */
export type Subscription = Pick<Webhook, 'id' | 'events' | 'sees_as' | 'order_by' | 'created_at'>;

/** What decides whether a request to an endpoint is taken. */
export type Endpoint = Pick<Webhook, 'tenant_id' | 'id' | 'name' | 'secret' | 'secret_version' | 'previous_secret' | 'signature_form' | 'replay_seconds'> & { previous_ms: number };

/** How a subscription gets on. */
export interface WebhookHealth {
  /** Both exact up to a thousand. */
  pending: number;
  dead: number;
  failures: number;
  failing_since: Date | null;
}

export const COUNTED_WEBHOOKS = 'from webhooks where tenant_id = $1';
const COUNTED = 1_000;

/** Rows of `webhooks`, each with its lane. */
@Injectable()
export class WebhooksRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert(row: NewWebhook): Promise<void> {
    await this.sql.manager.insert(Webhook, row);
    if (row.direction === 'outbound') await this.sql.execute('insert into webhook_lanes (tenant_id, id, webhook_id, held) values ($1, $2::uuid::text, $2, $3)', [row.tenant_id, row.id, !row.is_enabled]);
  }

  find(tenantId: string, id: string): Promise<Webhook | null> {
    return this.of(tenantId).andWhere('webhook.id = :id', { id }).getOne();
  }

  async existing(tenantId: string, direction: Direction, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.sql.rows<{ id: string }>('select id from webhooks where tenant_id = $1 and direction = $2 and id = any($3::uuid[])', [tenantId, direction, ids]);
    return new Set(rows.map(({ id }) => id));
  }

  lock(id: string): Promise<Webhook | null> {
    return lockRow(this.sql.manager, Webhook, 'webhook', id);
  }

  page(tenantId: string, { direction, isEnabled }: { direction?: Direction | undefined; isEnabled?: boolean | undefined }, page: PageRequest): Promise<Page<Webhook>> {
    const query = this.of(tenantId);
    if (direction !== undefined) query.andWhere('webhook.direction = :direction', { direction });
    if (isEnabled !== undefined) query.andWhere('webhook.is_enabled = :isEnabled', { isEnabled });
    return pageOfQuery(query, page);
  }

  async update(tenantId: string, id: string, patch: WebhookPatch): Promise<void> {
    await this.sql.manager
      .createQueryBuilder()
      .update(Webhook)
      .set({ ...patch, revision: () => 'revision + 1', updated_at: () => 'now()' })
      .where('tenant_id = :tenantId and id = :id', { tenantId, id })
      .execute();
    if (patch.is_enabled !== undefined) await this.hold(tenantId, id, !patch.is_enabled);
  }

  /** Puts another secret in the place of the current one, which works on for so many seconds. */
  async rotate({ tenant_id, id, secret_version }: Webhook, secret: Buffer, overlapSeconds: number): Promise<void> {
    await this.sql.execute(
      `update webhooks set secret = $3, secret_version = $4, previous_secret = case when $5::int > 0 then secret end,
         previous_secret_until = case when $5::int > 0 then now() + make_interval(secs => $5::int) end, revision = revision + 1, updated_at = now()
       where tenant_id = $1 and id = $2`,
      [tenant_id, id, secret, secret_version + 1, overlapSeconds],
    );
  }

  async delete(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('delete from webhooks where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  async health(tenantId: string, id: string): Promise<WebhookHealth> {
    const counted = (status: string): string => `(select count(*)::int from (select from webhook_deliveries d where d.tenant_id = $1 and d.lane = l.id and d.status = '${status}' limit ${COUNTED}) as counted)`;
    const row = await this.sql.row<WebhookHealth>(
      `select ${counted('pending')} as pending, ${counted('dead')} as dead, failures, failing_since from webhook_lanes l where l.tenant_id = $1 and l.id = $2::uuid::text`,
      [tenantId, id],
    );
    return row ?? { pending: 0, dead: 0, failures: 0, failing_since: null };
  }

  /** Of any tenant, before its facts are handled. */
  subscriptions(tenantId: string): Promise<Subscription[]> {
    return this.database.query<Subscription>(`select id, events, sees_as, order_by, created_at from webhooks where tenant_id = $1 and direction = 'outbound' and is_enabled order by id`, [tenantId]);
  }

  /** Before the tenant is known: one that is enabled, of a tenant that is active. `previous_ms` says for how long from now on the secret before works. */
  async endpoint(slug: string): Promise<Endpoint | undefined> {
    const rows = await this.database.query<Endpoint>(
      `select w.tenant_id, w.id, w.name, w.secret, w.secret_version, w.previous_secret, w.signature_form, w.replay_seconds, coalesce(extract(epoch from w.previous_secret_until - now()) * 1000, 0)::float8 as previous_ms
       from webhooks w join tenants t on t.id = w.tenant_id and t.status = 'active' where w.slug = $1 and w.direction = 'inbound' and w.is_enabled`,
      [slug],
    );
    return rows[0];
  }

  /** Removes what has ended so long ago, of all tenants, and lanes of addresses that nothing is sent to any more. */
  async removeOld(days: number, batch: number): Promise<number> {
    const removed = await this.database.execute(
      `delete from webhook_deliveries where ctid = any(array(select ctid from webhook_deliveries where ended_at < now() - make_interval(days => $1) limit $2))`,
      [days, batch],
    );
    if (removed === batch) return removed;
    // Looked at once more behind the lock: one that was taken into use meanwhile stays, with all that waits in it.
    return this.database.execute(
      `with empty as (
         select l.tenant_id, l.id from webhook_lanes l
         where l.webhook_id is null and l.holder is null and l.wake_at is null and not exists (select from webhook_deliveries d where d.tenant_id = l.tenant_id and d.lane = l.id)
         limit $1 for update of l skip locked
       )
       delete from webhook_lanes l using empty where l.tenant_id = empty.tenant_id and l.id = empty.id`,
      [batch],
    );
  }

  /** A subscription that is enabled again begins without a past. */
  private async hold(tenantId: string, id: string, held: boolean): Promise<void> {
    await this.sql.execute(
      `update webhook_lanes set held = $3, failures = case when $3 then failures else 0 end, failing_since = case when $3 then failing_since end, wake_at = case when $3 then wake_at else now() end
       where tenant_id = $1 and id = $2::uuid::text`,
      [tenantId, id, held],
    );
  }

  private of(tenantId: string) {
    return this.sql.manager.createQueryBuilder(Webhook, 'webhook').where('webhook.tenant_id = :tenantId', { tenantId });
  }
}
