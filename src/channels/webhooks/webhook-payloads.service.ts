import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import type { ReceivedPayload, WebhookPayloads } from '../../platform/webhooks/webhook-payloads.port.js';
import { type PayloadContent, PayloadContents, readBody } from './payload-content.js';
import type { PayloadStatus, WebhookPayload } from './webhook-payload.entity.js';
import { WebhookPayloadsRepository } from './webhook-payloads.repository.js';
import type { Webhook } from './webhook.entity.js';
import { WebhookReceived } from './webhooks.events.js';
import { WebhooksRepository } from './webhooks.repository.js';

/** What endpoints were sent, as people look at it and have it handled again. */
@Injectable()
export class WebhookPayloadsService implements WebhookPayloads {
  constructor(
    private readonly context: RequestContext,
    private readonly webhooks: WebhooksRepository,
    private readonly repository: WebhookPayloadsRepository,
    private readonly contents: PayloadContents,
    private readonly events: Events,
    private readonly audit: AuditPort,
  ) {}

  @Transactional()
  async page(webhookId: string, status: PayloadStatus | undefined, page: PageRequest): Promise<Page<WebhookPayload>> {
    const { tenant_id } = await this.inbound(webhookId);
    return this.repository.page(tenant_id, webhookId, status, page);
  }

  /** @throws Problem `not_found`, `erased` */
  @Transactional()
  async get(webhookId: string, id: string): Promise<{ payload: WebhookPayload; content: PayloadContent }> {
    const payload = await this.repository.find(this.context.tenantId, id);
    if (payload?.webhook_id !== webhookId) throw notFound('payload');
    return { payload, content: await this.contents.open(payload) };
  }

  /** Has it handled once more, as if it had come in again. */
  @Transactional()
  async replay(webhookId: string, id: string): Promise<WebhookPayload> {
    const { tenant_id, name, is_enabled } = await this.inbound(webhookId);
    if (!is_enabled) throw new Problem('webhook_disabled');
    const payload = await this.repository.lock(id);
    if (payload?.webhook_id !== webhookId) throw notFound('payload');
    if (payload.status === 'received') throw new Problem('conflict', { detail: 'It has not been handled yet.' });
    await this.repository.again(tenant_id, id);
    await this.events.publish(WebhookReceived, { webhook_id: webhookId, payload_id: id, name, content_type: payload.content_type, size: payload.size, replay: payload.replays + 1 });
    await this.audit.record({ action: 'webhook.replay', resource: { type: 'webhook', id: webhookId }, detail: { payload_id: id } });
    return (await this.repository.find(tenant_id, id)) ?? payload;
  }

  @Transactional()
  async open(payloadId: string): Promise<ReceivedPayload | undefined> {
    const payload = await this.repository.find(this.context.tenantId, payloadId);
    if (!payload) return undefined;
    const content = await this.contents.open(payload);
    return { webhookId: payload.webhook_id, headers: content.headers, body: readBody(content) };
  }

  private async inbound(id: string): Promise<Webhook> {
    const webhook = await this.webhooks.find(this.context.tenantId, id);
    if (!webhook) throw notFound('webhook');
    if (webhook.direction !== 'inbound') throw new Problem('unprocessable', { detail: 'This webhook sends, and receives nothing.' });
    return webhook;
  }
}
