import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import { TaskOrders } from '../../work/tasks/task-orders.port.js';
import { PayloadContents, readBody } from './payload-content.js';
import { type WebhookPayload } from './webhook-payload.entity.js';
import { WebhookPayloadsRepository } from './webhook-payloads.repository.js';
import type { Webhook } from './webhook.entity.js';
import { WebhookReceived } from './webhooks.events.js';
import { WebhooksRepository } from './webhooks.repository.js';

/** Of the JSON that a task gets; a longer payload is looked up by its id. */
const LARGEST_BODY = 200_000;
const LONGEST_TITLE = 500;
const LONGEST_ERROR = 1_000;

/**
 * Makes a task of what an endpoint was sent, for its agent: in one transaction with the note that it was made, so once, however
 * often it is told. An endpoint without an agent leaves what it gets to triggers.
 */
@Injectable()
export class InboundInboxListener implements OnModuleInit {
  constructor(
    private readonly consumers: EventConsumers,
    private readonly context: RequestContext,
    private readonly webhooks: WebhooksRepository,
    private readonly payloads: WebhookPayloadsRepository,
    private readonly contents: PayloadContents,
    private readonly tasks: TaskOrders,
  ) {}

  onModuleInit(): void {
    this.consumers.on('webhook-inbox', WebhookReceived, ({ data }) => this.handle(data.payload_id, data.replay));
  }

  @Transactional()
  async handle(payloadId: string, replay: number): Promise<void> {
    const { tenantId } = this.context;
    const payload = await this.payloads.lock(payloadId);
    if (payload?.status !== 'received' || payload.replays !== replay) return;
    const webhook = await this.webhooks.find(tenantId, payload.webhook_id);
    if (!webhook) return;
    const { taskId, error } = webhook.agent_id === null ? { taskId: null, error: null } : await this.order(webhook, payload);
    await this.payloads.handled(tenantId, payloadId, { status: error === null ? 'done' : 'failed', taskId, error });
  }

  private async order({ id, name, agent_id }: Webhook, payload: WebhookPayload): Promise<{ taskId: string | null; error: string | null }> {
    const taskId = newId();
    const body = readBody(await this.contents.open(payload));
    const fits = Buffer.byteLength(JSON.stringify(body) ?? '') <= LARGEST_BODY;
    const values = {
      title: `Webhook: ${name}`.slice(0, LONGEST_TITLE),
      agent_id,
      payload: { webhook: { id, name, payload_id: payload.id, content_type: payload.content_type, received_at: payload.received_at.toISOString() }, ...(fits && body !== undefined ? { body } : { body_omitted: true }) },
    };
    const refused = (await this.tasks.create([{ id: taskId, values }])).get(taskId);
    return refused ? { taskId: null, error: `${refused.code}: ${refused.message}`.slice(0, LONGEST_ERROR) } : { taskId, error: null };
  }
}
