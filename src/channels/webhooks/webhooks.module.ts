import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { erasable } from '../../platform/erasure/erasable.js';
import { WebhookCalls } from '../../platform/webhooks/webhook-calls.port.js';
import { DeliveryCall } from './delivery-call.js';
import { DeliverySender } from './delivery-sender.js';
import { EventDeliveriesListener } from './event-deliveries.listener.js';
import { WebhookCallsService } from './webhook-calls.service.js';
import { WebhookDeliveriesController } from './webhook-deliveries.controller.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhookDeliveriesService } from './webhook-deliveries.service.js';
import { WebhookDelivery } from './webhook-delivery.entity.js';
import { WebhookHealthService } from './webhook-health.service.js';
import { WebhookLanesRepository } from './webhook-lanes.repository.js';
import { WebhookMetrics } from './webhook-metrics.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSignal } from './webhook-signal.js';
import { WebhookTests } from './webhook-tests.service.js';
import { Webhook } from './webhook.entity.js';
import { WebhooksCleaner } from './webhooks.cleaner.js';
import { WebhooksController } from './webhooks.controller.js';
import { WEBHOOK_CONTENT } from './webhooks.erasure.js';
import { WebhooksRepository } from './webhooks.repository.js';
import { WebhooksService } from './webhooks.service.js';

/** Webhooks. Global for the port through which other domains send. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Webhook, WebhookDelivery])],
  controllers: [WebhooksController, WebhookDeliveriesController],
  providers: [
    DeliveryCall, DeliverySender, EventDeliveriesListener, WebhookCallsService, WebhookDeliveriesRepository, WebhookDeliveriesService, WebhookHealthService, WebhookLanesRepository, WebhookMetrics,
    WebhookSecrets, WebhookSignal, WebhookTests, WebhooksCleaner, WebhooksRepository, WebhooksService, { provide: WebhookCalls, useExisting: WebhookCallsService }, erasable({ ofAgents: WEBHOOK_CONTENT }),
  ],
  exports: [WebhookCalls],
})
export class WebhooksModule {}
