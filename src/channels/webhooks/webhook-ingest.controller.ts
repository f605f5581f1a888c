import { Controller, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { RequestContext } from '../../platform/context/request-context.js';
import { Operation } from '../../platform/http/operation.decorator.js';
import { ProblemView } from '../../platform/http/page.view.js';
import { readRaw } from '../../platform/http/raw-body.js';
import { InboundReceiver } from './inbound-receiver.service.js';
import { WebhookReceiptView } from './webhook-payloads.view.js';

const LARGEST = 1_048_576;

@Controller('webhook')
@ApiTags('Channels / Webhooks')
@ApiExtraModels(ProblemView)
export class WebhookIngestController {
  constructor(
    private readonly receiver: InboundReceiver,
    private readonly context: RequestContext,
  ) {}

  /**
   * Takes what another system sends. Any content, up to 1 MB, signed with the secret of the endpoint in the form of Standard Webhooks, GitHub, GitLab,
   * Slack or Stripe, or as `X-Signature: sha256=` and the HMAC-SHA256 of the body in hexadecimal. It is kept before it is answered; the same
   * delivery again has the same answer, and starts nothing more.
   */
  @Post(':slug')
  @ApiParam({ name: 'slug', description: 'End of the address of the endpoint.', schema: { type: 'string', maxLength: 64 }, example: 'github-issues-6f1c2d3e4f5a6b7c8d9e0f1a' })
  @Operation({ id: 'receiveWebhook', allow: 'public', returns: WebhookReceiptView, status: 202, rateLimit: 'webhook-ingest', idempotency: 'none', problems: ['webhook_refused', 'payload_too_large', 'unsupported_media_type'] })
  async receive(@Param('slug') slug: string, @Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<WebhookReceiptView> {
    const body = await readRaw(request, response, LARGEST);
    const { id, received_at } = await this.receiver.receive(slug, { headers: request.headers, body, ip: this.context.get('ip') });
    return { id, received_at: received_at.toISOString() };
  }
}
