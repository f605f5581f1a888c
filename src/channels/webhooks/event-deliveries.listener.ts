import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { isPersonal, roleSees } from '../../core/event-families.js';
import { matchesEvent } from '../../core/event-pattern.js';
import type { StoredEvent } from '../../core/event.js';
import { newId } from '../../core/ids.js';
import type { RevocableCache } from '../../platform/cache/revocable-cache.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import { MOST_TRIES } from './retry-times.js';
import { type NewDelivery, WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhookSignal } from './webhook-signal.js';
import { subscriptionsTag } from './webhook-tags.js';
import { type Subscription, WebhooksRepository } from './webhooks.repository.js';

interface OfTenant {
  tenantId: string;
  subscriptions: readonly Subscription[];
}

/** In one statement. */
const MOST_TOGETHER = 1_000;
/** An order key is part of an index. */
const LONGEST_ORDER_KEY = 200;

/**
 * Makes one delivery of each event for each subscription that takes it, however often it is handed the event. Tenants
 * without subscriptions cost a look into memory.
 */
@Injectable()
export class EventDeliveriesListener implements OnModuleInit {
  private readonly known: RevocableCache<OfTenant>;

  constructor(
    private readonly consumers: EventConsumers,
    private readonly context: RequestContext,
    private readonly webhooks: WebhooksRepository,
    private readonly deliveries: WebhookDeliveriesRepository,
    private readonly signal: WebhookSignal,
    revocations: Revocations,
  ) {
    this.known = revocations.cache<OfTenant>(async (tenantId) => ({ tenantId, subscriptions: await this.webhooks.subscriptions(tenantId) }), ({ tenantId }) => [subscriptionsTag(tenantId)]);
  }

  onModuleInit(): void {
    this.consumers.onAll('webhooks', (events) => this.handle(events));
  }

  async handle(events: readonly StoredEvent[]): Promise<void> {
    const { tenantId, requestId } = this.context;
    const subscriptions = (await this.known.get(tenantId))?.subscriptions ?? [];
    if (subscriptions.length === 0) return;
    const wanted = events.flatMap((event) => subscriptions.filter((subscription) => takes(subscription, event)).map((subscription) => deliveryOf(event, subscription, requestId)));
    for (let index = 0; index < wanted.length; index += MOST_TOGETHER) await this.add(wanted.slice(index, index + MOST_TOGETHER));
  }

  /** What was disabled or deleted since it was looked at gets nothing: its lane says so. */
  @Transactional()
  protected async add(wanted: readonly NewDelivery[]): Promise<void> {
    const { tenantId } = this.context;
    const open = await this.deliveries.lockLanes(tenantId, [...new Set(wanted.map(({ lane }) => lane))]);
    await this.deliveries.add(tenantId, wanted.filter(({ lane }) => open.has(lane)));
    afterCommit(() => this.signal.raise());
  }
}

/** What happened before there was the subscription is none of its business, however late it is read. */
function takes({ events, sees_as, created_at }: Subscription, { name, occurred_at, data }: StoredEvent): boolean {
  return !isPersonal(name, data) && new Date(occurred_at) >= created_at && roleSees(sees_as, name) && events.some((pattern) => matchesEvent(pattern, name));
}

function deliveryOf(event: StoredEvent, { id, order_by }: Subscription, requestId: string | undefined): NewDelivery {
  return {
    id: newId(),
    lane: id,
    webhook_id: id,
    key: event.id,
    type: event.name,
    order_key: order_by === null ? null : orderKeyOf(event.data[order_by]),
    data: event.data,
    occurred_at: new Date(event.occurred_at),
    max_tries: MOST_TRIES,
    url: null,
    secret: null,
    request_id: requestId ?? null,
  };
}

/** Where an event has no such member, no order is kept. */
export function orderKeyOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, LONGEST_ORDER_KEY) : null;
}
