import { Body, Delete, Get, Param, Patch, Post, Put, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import { mapPage, type Page } from '../../core/page.js';
import { CallerWatch } from '../../platform/auth/caller-watch.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { WebhookDeliveryView } from './webhook-deliveries.view.js';
import { WebhookTests } from './webhook-tests.service.js';
import { CreateWebhookDto, ListWebhooksQuery, RotateWebhookSecretDto, UpdateWebhookDto } from './webhooks.dto.js';
import { WebhooksService } from './webhooks.service.js';
import { toWebhookDetailView, toWebhookView, WebhookDetailView, WebhookView } from './webhooks.view.js';

@ApiController('webhooks', 'Channels / Webhooks')
export class WebhooksController {
  constructor(
    private readonly webhooks: WebhooksService,
    private readonly tests: WebhookTests,
    private readonly callers: CallerWatch,
  ) {}

  /** Lists webhooks, newest first. Their secrets are masked. */
  @Get()
  @Operation({ id: 'listWebhooks', allow: 'webhook:read', returns: pageOf(WebhookView) })
  async list(@Query() query: ListWebhooksQuery): Promise<Page<WebhookView>> {
    return mapPage(await this.webhooks.list(query), (webhook) => toWebhookView(webhook));
  }

  /**
   * Creates a webhook. With a url and events it sends those that happen from then on, signed with its secret; it gets what whoever wrote its url or patterns
   * last may see. With a name, and no url, it receives at the path that url is in this answer, and starts a task for its agent. The secret is shown this once.
   */
  @Post()
  @Operation({ id: 'createWebhook', allow: 'webhook:write', returns: WebhookView, status: 201, problems: ['egress_refused', 'unprocessable', 'plan_limit_reached'] })
  async create(@Body() body: CreateWebhookDto): Promise<WebhookView> {
    const { webhook, secret } = await this.webhooks.create(body);
    return toWebhookView(webhook, secret);
  }

  /** Reads a webhook, and how it gets on. */
  @Get(':id')
  @Operation({ id: 'getWebhook', allow: 'webhook:read', returns: WebhookDetailView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<WebhookDetailView> {
    const { webhook, health } = await this.webhooks.get(id);
    return toWebhookDetailView(webhook, health);
  }

  /** Changes a webhook. What is left out stays. The change holds for every message that leaves after the answer. */
  @Put(':id')
  @Operation({ id: 'updateWebhook', allow: 'webhook:write', returns: WebhookView, problems: ['not_found', 'egress_refused', 'unprocessable', 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateWebhookDto): Promise<WebhookView> {
    return toWebhookView(await this.webhooks.update(id, body));
  }

  /** Changes a part of a webhook: renames, enables or disables it, or sends it elsewhere. */
  @Patch(':id')
  @Operation({ id: 'patchWebhook', allow: 'webhook:write', returns: WebhookView, problems: ['not_found', 'egress_refused', 'unprocessable', 'precondition_failed'] })
  async patch(@Param('id', Uuid) id: string, @Body() body: UpdateWebhookDto): Promise<WebhookView> {
    return toWebhookView(await this.webhooks.update(id, body));
  }

  /** Deletes a webhook, with all that it was to send and has sent. */
  @Delete(':id')
  @Operation({ id: 'deleteWebhook', allow: 'webhook:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async delete(@Param('id', Uuid) id: string): Promise<void> {
    await this.webhooks.delete(id);
  }

  /**
   * Sends a test message, once. By the way that all messages go: the answer is its delivery with the try, or is still pending when the receiver
   * takes longer than ten seconds. One that receives gets such a message as its senders sign theirs: it is kept and handled as theirs are, a task for its agent
   * included, and id in the answer is the payload's.
   */
  @Post(':id/test')
  @Operation({ id: 'testWebhook', allow: 'webhook:write', returns: WebhookDeliveryView, problems: ['not_found', 'webhook_disabled'], idempotency: 'outside' })
  async test(@Param('id', Uuid) id: string, @Req() request: Request): Promise<WebhookDeliveryView> {
    return this.tests.run(id, await this.callers.watch(request));
  }

  /** Gives a webhook another secret, which this answer shows once. The one before works on for overlap_seconds: messages are signed with both. */
  @Post(':id/rotate-secret')
  @Operation({ id: 'rotateWebhookSecret', allow: 'webhook:write', returns: WebhookView, problems: ['not_found', 'precondition_failed'] })
  async rotateSecret(@Param('id', Uuid) id: string, @Body() body: RotateWebhookSecretDto): Promise<WebhookView> {
    const { webhook, secret } = await this.webhooks.rotate(id, body);
    return toWebhookView(webhook, secret);
  }
}
