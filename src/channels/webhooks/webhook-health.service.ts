import { Injectable, Logger } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { Notifier } from '../../platform/notifications/notifier.port.js';
import { subscriptionsTag, webhookTag } from './webhook-tags.js';
import type { DisabledReason } from './webhook.entity.js';
import { WebhookDisabled } from './webhooks.events.js';
import { WebhooksRepository } from './webhooks.repository.js';

const WHY: Readonly<Record<DisabledReason, string>> = { gone: 'Its receiver answered 410: it wants no more messages.', failing: 'Its receiver has taken no message for five days. What was given up can be sent again.' };

/** Disables subscriptions whose receivers want nothing, or have taken nothing for days. */
@Injectable()
export class WebhookHealthService {
  private readonly logger = new Logger(WebhookHealthService.name);

  constructor(
    private readonly context: RequestContext,
    private readonly repository: WebhooksRepository,
    private readonly audit: AuditPort,
    private readonly events: Events,
    private readonly notifier: Notifier,
    private readonly revocations: Revocations,
  ) {}

  async disable(tenantId: string, id: string, reason: DisabledReason): Promise<void> {
    await this.context.runAsSystem(tenantId, 'webhooks', () => this.disableNow(id, reason)).catch((error: unknown) => this.logger.error({ err: error, webhook: id }, 'A webhook could not be disabled; the next failure tries again.'));
  }

  @Transactional()
  protected async disableNow(id: string, reason: DisabledReason): Promise<void> {
    const { tenantId } = this.context;
    const webhook = await this.repository.lock(id);
    if (!webhook?.is_enabled) return;
    await this.repository.update(tenantId, id, { is_enabled: false, disabled_reason: reason });
    await this.audit.record({ action: 'webhook.disable', resource: { type: 'webhook', id }, before: { is_enabled: true }, after: { is_enabled: false, disabled_reason: reason } });
    await this.events.publish(WebhookDisabled, { webhook_id: id, name: webhook.name, reason });
    await this.notifier.notify({
      type: 'webhook_disabled',
      severity: 'high',
      title: `The webhook ${webhook.name} was disabled`,
      body: WHY[reason],
      link: `/webhooks/${id}`,
      metadata: { webhook_id: id, reason },
      to: { roles: ['admin'] },
      key: `webhook-disabled:${id}:${webhook.revision}`,
    });
    this.revocations.afterCommit(subscriptionsTag(tenantId), webhookTag(id));
  }
}
