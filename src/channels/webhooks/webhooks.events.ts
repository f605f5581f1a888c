import { defineEvent } from '../../core/event.js';
import type { Direction, DisabledReason } from './webhook.entity.js';

/** The plane has disabled a subscription. */
export const WebhookDisabled = defineEvent<{ webhook_id: string; name: string; reason: DisabledReason }>('webhook.disabled');
/** A webhook was deleted: it sends, or receives, nothing any more. */
export const WebhookDeleted = defineEvent<{ webhook_id: string; name: string; direction: Direction }>('webhook.deleted');
/** An endpoint was sent something. `replay` grows each time that somebody has it handled again. */
export const WebhookReceived = defineEvent<{ webhook_id: string; payload_id: string; name: string; content_type: string | null; size: number; replay: number }>('webhook.received');
