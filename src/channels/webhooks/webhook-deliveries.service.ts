import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { eventNames } from '../../core/event.js';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { orderKeyOf } from './event-deliveries.listener.js';
import { hiddenFrom, hiddenFromCaller } from './hidden-events.js';
import { MOST_TRIES } from './retry-times.js';
import { type DeliveryFilter, WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import type { WebhookDelivery } from './webhook-delivery.entity.js';
import { WebhookSignal } from './webhook-signal.js';
import type { Webhook } from './webhook.entity.js';
import { WebhooksRepository } from './webhooks.repository.js';

/** A message for a subscription that is about no event. */
export interface Message {
  type: string;
  data: Record<string, unknown>;
  /** The same again makes no second one. */
  key: string;
  tries: number;
}

export const TEST_TYPE = 'webhook.test';

/** What has been sent and is to be sent, as people look at it and send it again. */
@Injectable()
export class WebhookDeliveriesService {
  constructor(
    private readonly context: RequestContext,
    private readonly webhooks: WebhooksRepository,
    private readonly repository: WebhookDeliveriesRepository,
    private readonly audit: AuditPort,
    private readonly signal: WebhookSignal,
  ) {}

  @Transactional()
  async page(filter: DeliveryFilter, page: PageRequest): Promise<Page<WebhookDelivery>> {
    return this.repository.page(this.context.tenantId, filter, page);
  }

  @Transactional()
  async pageOf(webhookId: string, status: DeliveryFilter['status'], page: PageRequest): Promise<Page<WebhookDelivery>> {
    await this.outbound(webhookId);
    return this.repository.page(this.context.tenantId, { webhookId, status }, page);
  }

  @Transactional()
  async get(webhookId: string, id: string): Promise<WebhookDelivery> {
    return this.find(webhookId, id);
  }

  /** With what it says: of an event, for who may see such events. @throws Problem `forbidden` */
  @Transactional()
  async read(webhookId: string, id: string): Promise<WebhookDelivery> {
    const delivery = await this.find(webhookId, id);
    if (hiddenFromCaller(this.context.actor).includes(delivery.type)) throw new Problem('forbidden', { detail: `These credentials do not see what events of the kind ${delivery.type} say.` });
    return delivery;
  }

  /** Nobody says by it that something happened: what has the name of an event is one. @throws Problem `webhook_disabled` */
  @Transactional()
  async send(webhookId: string, { type, data, key = newId() }: { type: string; data: Record<string, unknown>; key?: string }): Promise<WebhookDelivery> {
    if (eventNames().includes(type) || type === TEST_TYPE) throw invalidField('type', 'reserved', 'is the name of an event');
    const delivery = await this.enqueue(await this.outbound(webhookId), { type, data, key, tries: MOST_TRIES });
    await this.audit.record({ action: 'webhook.send', resource: { type: 'webhook', id: webhookId }, detail: { delivery_id: delivery.id, type } });
    return delivery;
  }

  /** A message that is tried once. @throws Problem `webhook_disabled` */
  @Transactional()
  async sendTest(webhookId: string): Promise<WebhookDelivery> {
    const webhook = await this.outbound(webhookId);
    const delivery = await this.enqueue(webhook, { type: TEST_TYPE, data: { webhook_id: webhookId, message: 'This is a test.' }, key: newId(), tries: 1 });
    await this.repository.wake(webhook.tenant_id, webhookId);
    await this.audit.record({ action: 'webhook.test', resource: { type: 'webhook', id: webhookId }, detail: { delivery_id: delivery.id } });
    return delivery;
  }

  /** In the running transaction. */
  async enqueue({ id, tenant_id, is_enabled, order_by }: Webhook, { type, data, key, tries }: Message): Promise<WebhookDelivery> {
    if (!is_enabled) throw new Problem('webhook_disabled');
    await this.repository.lockLanes(tenant_id, [id]);
    const row = { id: newId(), lane: id, webhook_id: id, key, type, order_key: order_by === null ? null : orderKeyOf(data[order_by]), data, occurred_at: new Date(), max_tries: tries, url: null, secret: null };
    await this.repository.add(tenant_id, [{ ...row, request_id: this.context.requestId ?? null }]);
    afterCommit(() => this.signal.raise());
    return (await this.repository.findByKey(tenant_id, id, row.key)) ?? gone();
  }

  /** One that has ended, again; one that waits for its next try, at once. @throws Problem `webhook_disabled`, `forbidden` */
  @Transactional()
  async redeliver(webhookId: string, id: string): Promise<WebhookDelivery> {
    const { tenant_id, hidden } = await this.sending(webhookId);
    const delivery = await this.find(webhookId, id);
    if (hidden.includes(delivery.type)) throw new Problem('forbidden', { detail: `You, or whoever said last where this webhook sends what, may not see events of the kind ${delivery.type}.` });
    await this.repository.again(tenant_id, delivery, MOST_TRIES);
    await this.audit.record({ action: 'webhook.redeliver', resource: { type: 'webhook', id: webhookId }, detail: { delivery_id: id } });
    afterCommit(() => this.signal.raise());
    return this.find(webhookId, id);
  }

  /** All that were given up since, at most `MOST_REDELIVERED`. @throws Problem `webhook_disabled` */
  @Transactional()
  async redeliverSince(webhookId: string, since: Date): Promise<number> {
    const { tenant_id, hidden } = await this.sending(webhookId);
    const accepted = await this.repository.allAgain(tenant_id, webhookId, { since, except: hidden }, MOST_TRIES);
    await this.audit.record({ action: 'webhook.redeliver', resource: { type: 'webhook', id: webhookId }, detail: { since: since.toISOString(), accepted } });
    afterCommit(() => this.signal.raise());
    return accepted;
  }

  /** With its lane held, so that its sight is what it is. */
  private async sending(id: string): Promise<{ tenant_id: string; hidden: string[] }> {
    await this.repository.lockLanes(this.context.tenantId, [id]);
    const { tenant_id, is_enabled, sees_as } = await this.outbound(id);
    if (!is_enabled) throw new Problem('webhook_disabled');
    const { actor } = this.context;
    return { tenant_id, hidden: [...hiddenFrom(sees_as), ...(actor.kind === 'api_key' ? hiddenFromCaller(actor) : [])] };
  }

  private async outbound(id: string): Promise<Webhook> {
    const webhook = await this.webhooks.find(this.context.tenantId, id);
    if (!webhook) throw notFound('webhook');
    if (webhook.direction !== 'outbound') throw new Problem('unprocessable', { detail: 'This webhook receives, and sends nothing.' });
    return webhook;
  }

  private async find(webhookId: string, id: string): Promise<WebhookDelivery> {
    const delivery = await this.repository.find(this.context.tenantId, id);
    if (delivery?.webhook_id !== webhookId) throw notFound('delivery');
    return delivery;
  }
}

function gone(): never {
  throw notFound('webhook');
}
