import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { setTimeout as sleep } from 'node:timers/promises';
import { Clock } from '../../core/clock.js';
import { newId } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { throwIfRefused } from '../../platform/auth/caller-watch.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { InboundReceiver } from './inbound-receiver.service.js';
import { signedAs } from './signature-forms.js';
import { TEST_TYPE, WebhookDeliveriesService } from './webhook-deliveries.service.js';
import { toDeliveryView, type WebhookDeliveryView } from './webhook-deliveries.view.js';
import { WebhookSecrets } from './webhook-secrets.js';
import type { Webhook } from './webhook.entity.js';
import { WebhooksService } from './webhooks.service.js';

const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 800;
/** Receivers that take longer are looked up in the list of deliveries. */
const LONGEST_MS = 10_000;

/** Tries a webhook by the way that all messages go or come, and waits for how it ends. */
@Injectable()
export class WebhookTests {
  constructor(
    private readonly context: RequestContext,
    private readonly webhooks: WebhooksService,
    private readonly deliveries: WebhookDeliveriesService,
    private readonly receiver: InboundReceiver,
    private readonly secrets: WebhookSecrets,
    private readonly audit: AuditPort,
    private readonly clock: Clock,
  ) {}

  /**
   * @param gone aborts when nobody waits for the answer any more
   * @throws Problem `not_found`, `webhook_disabled`, and that with which `gone` was aborted
   */
  async run(webhookId: string, gone: AbortSignal): Promise<WebhookDeliveryView> {
    const { webhook } = await this.webhooks.get(webhookId);
    return webhook.direction === 'inbound' ? this.receive(webhook) : this.send(webhookId, gone);
  }

  private async send(webhookId: string, gone: AbortSignal): Promise<WebhookDeliveryView> {
    const { id } = await this.deliveries.sendTest(webhookId);
    const deadline = this.clock.monotonicMs() + LONGEST_MS;
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 1.5, LAST_LOOK_MS)) {
      throwIfRefused(gone);
      const delivery = await this.deliveries.get(webhookId, id);
      if (delivery.status !== 'pending' || delivery.waiting_for !== null || gone.aborted || this.clock.monotonicMs() > deadline) return toDeliveryView(delivery);
      await sleep(pause);
    }
  }

  /** Gives an endpoint what one of its senders would send it: signed, kept, and handled. */
  private async receive(webhook: Webhook): Promise<WebhookDeliveryView> {
    const { id: webhookId, slug, is_enabled, signature_form: form } = webhook;
    if (!is_enabled || slug === null) throw new Problem('webhook_disabled');
    const [at, begun, key] = [this.clock.now(), this.clock.monotonicMs(), newId()];
    const body = JSON.stringify({ id: key, type: TEST_TYPE, timestamp: at.toISOString(), data: { webhook_id: webhookId, message: 'This is a test.' } });
    const [secret = ''] = await this.secrets.open({ ...webhook, previous_secret: null });
    const { id, received_at } = await this.receiver.receive(slug, { headers: { 'content-type': 'application/json', ...signedAs(form, secret, body, at, key) }, body: Buffer.from(body), ip: this.context.get('ip') });
    await this.note(webhookId, id);
    const answer = JSON.stringify({ id, received_at: received_at.toISOString() });
    const attempt = { number: 1, at: at.toISOString(), duration_ms: Math.round(this.clock.monotonicMs() - begun), status: 202, error: null, answer };
    const times = { occurred_at: at.toISOString(), created_at: received_at.toISOString(), ended_at: received_at.toISOString() };
    return { id, webhook_id: webhookId, key, type: TEST_TYPE, order_key: null, status: 'delivered', attempt_count: 1, attempts: [attempt], next_attempt_at: null, waiting_for: null, ...times };
  }

  @Transactional()
  protected async note(webhookId: string, payloadId: string): Promise<void> {
    await this.audit.record({ action: 'webhook.test', resource: { type: 'webhook', id: webhookId }, detail: { payload_id: payloadId } });
  }
}
