import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { erasable } from '../../platform/erasure/erasable.js';
import { WebhookCalls } from '../../platform/webhooks/webhook-calls.port.js';
import { WebhookPayloads } from '../../platform/webhooks/webhook-payloads.port.js';
import { TasksModule } from '../../work/tasks/tasks.module.js';
import { DeliveryCall } from './delivery-call.js';
import { DeliverySender } from './delivery-sender.js';
import { EventDeliveriesListener } from './event-deliveries.listener.js';
import { InboundInboxListener } from './inbound-inbox.listener.js';
import { InboundReceiver } from './inbound-receiver.service.js';
import { PayloadContents } from './payload-content.js';
import { WebhookCallsService } from './webhook-calls.service.js';
import { WebhookDeliveriesController } from './webhook-deliveries.controller.js';
import { WebhookDeliveriesRepository } from './webhook-deliveries.repository.js';
import { WebhookDeliveriesService } from './webhook-deliveries.service.js';
import { WebhookDelivery } from './webhook-delivery.entity.js';
import { WebhookHealthService } from './webhook-health.service.js';
import { WebhookIngestController } from './webhook-ingest.controller.js';
import { WebhookLanesRepository } from './webhook-lanes.repository.js';
import { WebhookMetrics } from './webhook-metrics.js';
import { WebhookPayload } from './webhook-payload.entity.js';
import { WebhookPayloadsController } from './webhook-payloads.controller.js';
import { WebhookPayloadsRepository } from './webhook-payloads.repository.js';
import { WebhookPayloadsService } from './webhook-payloads.service.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSignal } from './webhook-signal.js';
import { WebhookTests } from './webhook-tests.service.js';
import { Webhook } from './webhook.entity.js';
import { WebhooksCleaner } from './webhooks.cleaner.js';
import { WebhooksController } from './webhooks.controller.js';
import { WEBHOOK_CONTENT } from './webhooks.erasure.js';
import { WebhooksRepository } from './webhooks.repository.js';
import { WebhooksService } from './webhooks.service.js';

/** Webhooks. Global for the ports through which other domains send and read. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Webhook, WebhookDelivery, WebhookPayload]), AgentsModule, TasksModule],
  controllers: [WebhooksController, WebhookDeliveriesController, WebhookPayloadsController, WebhookIngestController],
  providers: [
    DeliveryCall, DeliverySender, EventDeliveriesListener, WebhookCallsService, WebhookDeliveriesRepository, WebhookDeliveriesService, WebhookHealthService, WebhookLanesRepository, WebhookMetrics,
    InboundInboxListener, InboundReceiver, PayloadContents, WebhookPayloadsRepository, WebhookPayloadsService, WebhookSecrets, WebhookSignal, WebhookTests, WebhooksCleaner, WebhooksRepository, WebhooksService, { provide: WebhookCalls, useExisting: WebhookCallsService }, { provide: WebhookPayloads, useExisting: WebhookPayloadsService },
    erasable({ ofAgents: WEBHOOK_CONTENT }),
  ],
  exports: [WebhookCalls, WebhookPayloads],
})
export class WebhooksModule {}
