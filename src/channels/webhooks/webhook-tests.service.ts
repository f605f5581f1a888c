import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { Clock } from '../../core/clock.js';
import type { WebhookDelivery } from './webhook-delivery.entity.js';
import { WebhookDeliveriesService } from './webhook-deliveries.service.js';

const LOOK_MS = 50;
/** Receivers that take longer are looked up in the list of deliveries. */
const LONGEST_MS = 10_000;

/** Tries a webhook by the way that all messages go, and waits for how it ends. */
@Injectable()
export class WebhookTests {
  constructor(
    private readonly deliveries: WebhookDeliveriesService,
    private readonly clock: Clock,
  ) {}

  async run(webhookId: string): Promise<WebhookDelivery> {
    const { id } = await this.deliveries.sendTest(webhookId);
    const deadline = this.clock.monotonicMs() + LONGEST_MS;
    for (;;) {
      const delivery = await this.deliveries.get(webhookId, id);
      if (delivery.status !== 'pending' || delivery.waiting_for !== null || this.clock.monotonicMs() > deadline) return delivery;
      await sleep(LOOK_MS);
    }
  }
}
