import { Injectable } from '@nestjs/common';
import { roleSees } from '../../core/event-families.js';
import { matchesEvent } from '../../core/event-pattern.js';
import { Problem } from '../../core/problem.js';
import { ExpressionFailure, Expressions } from '../../platform/expressions/expressions.js';
import type { Trigger } from './trigger.entity.js';
import { COUNTED_EVENTS, type EventConfig, type WebhookConfig } from './trigger-config.js';

interface Happened {
  id: string | null;
  name: string;
  occurred_at: string;
  data: Record<string, unknown>;
}

const RECEIVED = 'webhook.received';
/** Behind it nothing comes: whoever waits for one endpoint has to be told. */
const DELETED = 'webhook.deleted';

/** Says whether an event concerns a trigger. */
@Injectable()
export class TriggerMatcher {
  constructor(private readonly expressions: Expressions) {}

  /**
   * @returns undefined where it does not; `fault` when that cannot be said
   * @throws Problem `unavailable` while too many expressions wait for their turn
   */
  async match(trigger: Pick<Trigger, 'type' | 'config' | 'as_role'>, event: Happened): Promise<{ fault?: string } | undefined> {
    if (!takesName(trigger, event.name)) return undefined;
    if (trigger.type === 'threshold') return {};
    const { webhook_id: wanted, filter } = trigger.config as WebhookConfig;
    if (trigger.type === 'webhook') {
      if (wanted !== undefined && event.data['webhook_id'] !== wanted.toLowerCase()) return undefined;
      if (isEnd(trigger, event)) return { fault: 'not_found: The webhook was deleted: nothing comes from it any more.' };
    }
    return this.filtered(filter, event);
  }

  private async filtered(filter: string | undefined, event: Happened): Promise<{ fault?: string } | undefined> {
    if (filter === undefined) return {};
    try {
      return isTrue(await this.expressions.evaluate(filter, { context: event, variables: { event } })) ? {} : undefined;
    } catch (error) {
      // Nothing is known of the event yet: it is asked about again.
      if (error instanceof ExpressionFailure && error.reason === 'busy') throw new Problem('unavailable', { detail: error.message });
      if (error instanceof ExpressionFailure) return { fault: `filter: ${error.message}`.slice(0, 300) };
      throw error;
    }
  }
}

/** Whether an event says that no other will come: it is nothing to fire for. */
export const isEnd = ({ type }: Pick<Trigger, 'type'>, { name }: Pick<Happened, 'name'>): boolean => type === 'webhook' && name === DELETED;

/** Whether events of a name may concern a trigger. */
export function takesName({ type, config, as_role }: Pick<Trigger, 'type' | 'config' | 'as_role'>, name: string): boolean {
  if (type === 'threshold') return COUNTED_EVENTS.has(name);
  if (type === 'webhook') return name === RECEIVED || (name === DELETED && (config as WebhookConfig).webhook_id !== undefined);
  // What is told to one person is nothing to act on for all.
  return type === 'event' && !name.startsWith('notification') && matchesEvent((config as EventConfig).event, name) && roleSees(as_role, name);
}

/** As JSONata has it: nothing, zero, an empty text, an empty list and false are false. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
