import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { PROMOTE } from './delivery-statements.js';
import { hiddenFrom } from './hidden-events.js';
import { MOST_FAILURES } from './lane-run.js';
import { type DeliveryStatus, WebhookDelivery } from './webhook-delivery.entity.js';

export type NewDelivery = Pick<WebhookDelivery, 'id' | 'lane' | 'webhook_id' | 'key' | 'type' | 'order_key' | 'data' | 'occurred_at' | 'max_tries' | 'url' | 'secret' | 'request_id'>;

export interface DeliveryFilter {
  webhookId?: string | undefined;
  status?: DeliveryStatus | undefined;
}

/** Redelivered by one request at most. */
export const MOST_REDELIVERED = 10_000;

/** What there is of a key already stays as it is. One behind another of its order key is not due yet. */
const INSERT = `with wanted as (
    select n.* from unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::int[], $11::text[], $12::bytea[], $13::text[])
      with ordinality as n (id, lane, webhook_id, key, type, order_key, data, occurred_at, max_tries, url, secret, request_id, place)
    where not exists (select from webhook_deliveries e where e.tenant_id = $1 and e.lane = n.lane and e.key = n.key)
      -- Its sight may have been narrowed since it was looked at.
      and not (n.type = any($14::text[]) and exists (select from webhooks s where s.tenant_id = $1 and s.id = n.webhook_id and s.sees_as <> 'admin'))
  )
  insert into webhook_deliveries (tenant_id, id, lane, webhook_id, key, type, order_key, data, occurred_at, max_tries, url, secret, request_id, due_at)
  select $1, id, lane, webhook_id, key, type, order_key, data::jsonb, occurred_at, max_tries, url, secret, request_id,
    case when order_key is null then statement_timestamp()
      when row_number() over (partition by lane, order_key order by place) > 1 then null
      when exists (select from webhook_deliveries p where p.tenant_id = $1 and p.lane = w.lane and p.order_key = w.order_key and p.status = 'pending') then null
      else statement_timestamp() end
  from wanted w order by place on conflict do nothing`;
const WAKE = `update webhook_lanes set wake_at = statement_timestamp() where tenant_id = $1 and id = $2 and (wake_at is null or wake_at > statement_timestamp())`;
/** One whose receiver fails again and again rests; what is new there waits for a minute at most. */
const WAKE_NEW = `update webhook_lanes set wake_at = least(wake_at, statement_timestamp() + make_interval(secs => case when failures >= ${MOST_FAILURES} and lease_until is null then 60 else 0 end))
  where tenant_id = $1 and id = any($2) and (wake_at is null or wake_at > statement_timestamp())`;

/** Rows of `webhook_deliveries` of one tenant. */
@Injectable()
export class WebhookDeliveriesRepository {
  constructor(private readonly sql: Sql) {}

  /** A lane for calls to an address without a subscription. */
  async makeLane(tenantId: string, lane: string): Promise<void> {
    await this.sql.execute('insert into webhook_lanes (tenant_id, id) values ($1, $2) on conflict do nothing', [tenantId, lane]);
  }

  /** Holds lanes until the transaction ends. @returns those that are not held back */
  async lockLanes(tenantId: string, lanes: readonly string[]): Promise<Set<string>> {
    const rows = await this.sql.rows<{ id: string; held: boolean }>('select id, held from webhook_lanes where tenant_id = $1 and id = any($2) order by id for update', [tenantId, lanes]);
    return new Set(rows.filter(({ held }) => !held).map(({ id }) => id));
  }

  /** Into lanes that are locked. */
  async add(tenantId: string, rows: readonly NewDelivery[]): Promise<void> {
    if (rows.length === 0) return;
    const column = <T>(of: (row: NewDelivery) => T): T[] => rows.map(of);
    await this.sql.execute(INSERT, [
      tenantId,
      column(({ id }) => id),
      column(({ lane }) => lane),
      column(({ webhook_id }) => webhook_id),
      column(({ key }) => key),
      column(({ type }) => type),
      column(({ order_key }) => order_key),
      column(({ data }) => JSON.stringify(data)),
      column(({ occurred_at }) => occurred_at),
      column(({ max_tries }) => max_tries),
      column(({ url }) => url),
      column(({ secret }) => secret),
      column(({ request_id }) => request_id),
      hiddenFrom('user'),
    ]);
    await this.sql.execute(WAKE_NEW, [tenantId, [...new Set(column(({ lane }) => lane))]]);
  }

  /** For what somebody asked for and waits for: also where the receiver was to be left alone. */
  async wake(tenantId: string, lane: string): Promise<void> {
    await this.sql.execute(WAKE, [tenantId, lane]);
  }

  find(tenantId: string, id: string): Promise<WebhookDelivery | null> {
    return this.of(tenantId).andWhere('delivery.id = :id', { id }).getOne();
  }

  findByKey(tenantId: string, lane: string, key: string): Promise<WebhookDelivery | null> {
    return this.of(tenantId).andWhere('delivery.lane = :lane and delivery.key = :key', { lane, key }).getOne();
  }

  page(tenantId: string, { webhookId, status }: DeliveryFilter, page: PageRequest): Promise<Page<WebhookDelivery>> {
    const query = this.of(tenantId);
    if (webhookId !== undefined) query.andWhere('delivery.webhook_id = :webhookId', { webhookId });
    if (status !== undefined) query.andWhere('delivery.status = :status', { status });
    return pageOfQuery(query, page);
  }

  /** Sends one again, or at once what waits for its next try. Its lane is locked. */
  async again(tenantId: string, { id, lane, order_key }: WebhookDelivery, tries: number): Promise<void> {
    await this.sql.execute(
      `update webhook_deliveries set status = 'pending', tries = case when status = 'pending' then tries else 0 end, max_tries = greatest(max_tries, $3), ended_at = null, waiting_for = null,
         due_at = case when order_key is null or (status = 'pending' and due_at is not null) then statement_timestamp() end
       where tenant_id = $1 and id = $2`,
      [tenantId, id, tries],
    );
    await this.goOn(tenantId, lane, [order_key]);
  }

  /** Sends none of these types any more, so that a receiver that may not see them gets none. Locks the lane. */
  async giveUp(tenantId: string, lane: string, types: readonly string[]): Promise<void> {
    await this.lockLanes(tenantId, [lane]);
    const rows = await this.sql.rows<{ order_key: string | null }>(
      `update webhook_deliveries set status = 'dead', ended_at = statement_timestamp(), due_at = null, waiting_for = null
       where tenant_id = $1 and lane = $2 and status = 'pending' and type = any($3) returning order_key`,
      [tenantId, lane, types],
    );
    await this.goOn(tenantId, lane, rows.map(({ order_key }) => order_key));
  }

  /** Sends all dead ones again that ended since, but for some types. The lane is locked. @returns how many */
  async allAgain(tenantId: string, lane: string, { since, except }: { since: Date; except: readonly string[] }, tries: number): Promise<number> {
    const rows = await this.sql.rows<{ order_key: string | null }>(
      `update webhook_deliveries set status = 'pending', tries = 0, max_tries = greatest(max_tries, $4), ended_at = null, due_at = case when order_key is null then statement_timestamp() end
       where tenant_id = $1 and id = any(array(select id from webhook_deliveries where tenant_id = $1 and lane = $2 and status = 'dead' and ended_at >= $3 and type <> all($5) order by position limit ${MOST_REDELIVERED}))
       returning order_key`,
      [tenantId, lane, since, tries, except],
    );
    await this.goOn(tenantId, lane, rows.map(({ order_key }) => order_key));
    return rows.length;
  }

  private async goOn(tenantId: string, lane: string, orderKeys: readonly (string | null)[]): Promise<void> {
    const keys = [...new Set(orderKeys.filter((key) => key !== null))];
    if (keys.length > 0) await this.sql.execute(PROMOTE, [keys.map(() => tenantId), keys.map(() => lane), keys]);
    await this.wake(tenantId, lane);
  }

  private of(tenantId: string) {
    return this.sql.manager.createQueryBuilder(WebhookDelivery, 'delivery').where('delivery.tenant_id = :tenantId', { tenantId });
  }
}
