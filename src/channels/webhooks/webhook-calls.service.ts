import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import { notFound, Problem } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { idOfNew } from '../../platform/database/transaction-scope.js';
import { Egress } from '../../platform/egress/egress.js';
import type { WebhookCall, WebhookCalls } from '../../platform/webhooks/webhook-calls.port.js';
import { MOST_TRIES } from './retry-times.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhookDeliveriesService } from './webhook-deliveries.service.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSignal } from './webhook-signal.js';
import { WebhooksRepository } from './webhooks.repository.js';

/** Messages that other domains send. Those without a subscription wait in a lane of their address. */
@Injectable()
export class WebhookCallsService implements WebhookCalls {
  constructor(
    private readonly context: RequestContext,
    private readonly egress: Egress,
    private readonly webhooks: WebhooksRepository,
    private readonly deliveries: WebhookDeliveriesService,
    private readonly repository: WebhookDeliveriesRepository,
    private readonly secrets: WebhookSecrets,
    private readonly signal: WebhookSignal,
  ) {}

  @Transactional()
  async call(call: WebhookCall): Promise<{ deliveryId: string }> {
    if ((call.webhookId === undefined) === (call.url === undefined)) throw new Problem('unprocessable', { detail: 'A call names a webhook or an address, and not both.' });
    return { deliveryId: call.url === undefined ? await this.toWebhook(call.webhookId ?? '', call) : await this.toUrl(call.url, call) };
  }

  @Transactional()
  existing(direction: 'inbound' | 'outbound', ids: readonly string[]): Promise<Set<string>> {
    return this.webhooks.existing(this.context.tenantId, direction, ids);
  }

  private async toWebhook(id: string, { type, data, key }: WebhookCall): Promise<string> {
    const webhook = await this.webhooks.find(this.context.tenantId, id);
    if (webhook?.direction !== 'outbound') throw notFound('webhook');
    return (await this.deliveries.enqueue(webhook, { type, data, key, tries: MOST_TRIES })).id;
  }

  private async toUrl(url: string, { secret, type, data, key }: WebhookCall): Promise<string> {
    const { tenantId, requestId = null } = this.context;
    this.egress.check(url);
    const lane = `url:${hash('sha256', new URL(url).href)}`;
    // Before the lane is locked: it may take a key that is still to be had.
    const id = secret === undefined ? newId() : idOfNew();
    const sealed = secret === undefined ? null : await this.secrets.sealOfCall(tenantId, id, secret);
    // The cleaner may take one that is empty just before it is locked.
    for (let held = false; !held; held = (await this.repository.lockLanes(tenantId, [lane])).has(lane)) await this.repository.makeLane(tenantId, lane);
    const row = { id, lane, webhook_id: null, key, type, order_key: null, data, occurred_at: new Date(), max_tries: MOST_TRIES, url, secret: sealed, request_id: requestId };
    await this.repository.add(tenantId, [row]);
    afterCommit(() => this.signal.raise());
    const delivery = await this.repository.findByKey(tenantId, lane, row.key);
    if (!delivery) throw new Error('A call of a webhook was not kept.');
    return delivery.id;
  }
}
