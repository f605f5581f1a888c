import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ListAllDeliveriesQuery, ListDeliveriesQuery, RedeliverDto, SendMessageDto } from './webhook-deliveries.dto.js';
import { WebhookDeliveriesService } from './webhook-deliveries.service.js';
import { RedeliveredView, toDeliveryDetailView, toDeliveryView, WebhookDeliveryDetailView, WebhookDeliveryView } from './webhook-deliveries.view.js';

@ApiController('', 'Channels / Webhooks')
export class WebhookDeliveriesController {
  constructor(private readonly deliveries: WebhookDeliveriesService) {}

  /** Lists what all webhooks have sent and are to send, newest first. With status=dead: what was given up. */
  @Get('webhook-deliveries')
  @Operation({ id: 'listWebhookDeliveries', allow: 'webhook:read', returns: pageOf(WebhookDeliveryView) })
  async list(@Query() { webhook_id, status, ...page }: ListAllDeliveriesQuery): Promise<Page<WebhookDeliveryView>> {
    return mapPage(await this.deliveries.page({ webhookId: webhook_id, status }, page), toDeliveryView);
  }

  /** Lists what a webhook has sent and is to send, newest first. */
  @Get('webhooks/:id/deliveries')
  @Operation({ id: 'listDeliveriesOfWebhook', allow: 'webhook:read', returns: pageOf(WebhookDeliveryView), problems: ['not_found', 'unprocessable'] })
  async listOf(@Param('id', Uuid) id: string, @Query() { status, ...page }: ListDeliveriesQuery): Promise<Page<WebhookDeliveryView>> {
    return mapPage(await this.deliveries.pageOf(id, status, page), toDeliveryView);
  }

  /** Sends a message of one's own to a webhook. Signed, tried and kept as events are, whatever its patterns. */
  @Post('webhooks/:id/deliveries')
  @Operation({ id: 'sendToWebhook', allow: 'webhook:write', returns: WebhookDeliveryView, status: 201, problems: ['not_found', 'unprocessable', 'webhook_disabled'] })
  async send(@Param('id', Uuid) id: string, @Body() body: SendMessageDto): Promise<WebhookDeliveryView> {
    return toDeliveryView(await this.deliveries.send(id, body));
  }

  /** Reads a delivery: what it says, and how each try went. */
  @Get('webhooks/:id/deliveries/:delivery_id')
  @Operation({ id: 'getWebhookDelivery', allow: 'webhook:read', returns: WebhookDeliveryDetailView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string, @Param('delivery_id', Uuid) deliveryId: string): Promise<WebhookDeliveryDetailView> {
    return toDeliveryDetailView(await this.deliveries.read(id, deliveryId));
  }

  /** Sends a delivery again, under the id that it had. One that waits for its next try is tried at once. */
  @Post('webhooks/:id/deliveries/:delivery_id/redeliver')
  @Operation({ id: 'redeliverWebhookDelivery', allow: 'webhook:write', returns: WebhookDeliveryView, problems: ['not_found', 'unprocessable', 'webhook_disabled'] })
  async redeliver(@Param('id', Uuid) id: string, @Param('delivery_id', Uuid) deliveryId: string): Promise<WebhookDeliveryView> {
    return toDeliveryView(await this.deliveries.redeliver(id, deliveryId));
  }

  /** Sends again all that was given up since a time. At most ten thousand at once: call it again for more. */
  @Post('webhooks/:id/redeliver')
  @Operation({ id: 'redeliverWebhook', allow: 'webhook:write', returns: RedeliveredView, problems: ['not_found', 'unprocessable', 'webhook_disabled'] })
  async redeliverSince(@Param('id', Uuid) id: string, @Body() { since }: RedeliverDto): Promise<RedeliveredView> {
    return { accepted: await this.deliveries.redeliverSince(id, new Date(since)) };
  }
}
