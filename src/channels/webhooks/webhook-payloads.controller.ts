import { Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ListPayloadsQuery } from './webhook-payloads.dto.js';
import { WebhookPayloadsService } from './webhook-payloads.service.js';
import { toPayloadDetailView, toPayloadView, WebhookPayloadDetailView, WebhookPayloadView } from './webhook-payloads.view.js';

@ApiController('webhooks', 'Channels / Webhooks')
export class WebhookPayloadsController {
  constructor(private readonly payloads: WebhookPayloadsService) {}

  /** Lists what an endpoint was sent, newest first. */
  @Get(':id/payloads')
  @Operation({ id: 'listWebhookPayloads', allow: 'webhook:read', returns: pageOf(WebhookPayloadView), problems: ['not_found', 'unprocessable'] })
  async list(@Param('id', Uuid) id: string, @Query() { status, ...page }: ListPayloadsQuery): Promise<Page<WebhookPayloadView>> {
    return mapPage(await this.payloads.page(id, status, page), toPayloadView);
  }

  /** Reads what an endpoint was sent: headers and body. */
  @Get(':id/payloads/:payload_id')
  @Operation({ id: 'getWebhookPayload', allow: 'webhook:read', returns: WebhookPayloadDetailView, problems: ['not_found', 'erased'] })
  async get(@Param('id', Uuid) id: string, @Param('payload_id', Uuid) payloadId: string): Promise<WebhookPayloadDetailView> {
    return toPayloadDetailView(await this.payloads.get(id, payloadId));
  }

  /** Has a payload handled once more, as if it had come in again: another task is made of it, and triggers see it. */
  @Post(':id/payloads/:payload_id/replay')
  @Operation({ id: 'replayWebhookPayload', allow: 'webhook:write', returns: WebhookPayloadView, problems: ['not_found', 'unprocessable', 'conflict', 'webhook_disabled'] })
  async replay(@Param('id', Uuid) id: string, @Param('payload_id', Uuid) payloadId: string): Promise<WebhookPayloadView> {
    return toPayloadView(await this.payloads.replay(id, payloadId));
  }
}
