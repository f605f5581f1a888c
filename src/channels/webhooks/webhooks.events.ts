import { defineEvent } from '../../core/event.js';
import type { DisabledReason } from './webhook.entity.js';

/** The plane has disabled a subscription. */
export const WebhookDisabled = defineEvent<{ webhook_id: string; name: string; reason: DisabledReason }>('webhook.disabled');
