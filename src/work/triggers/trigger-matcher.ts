import { Injectable } from '@nestjs/common';
import { roleSees } from '../../core/event-families.js';
import { matchesEvent } from '../../core/event-pattern.js';
import { ExpressionFailure, Expressions } from '../../platform/expressions/expressions.js';
import type { Trigger } from './trigger.entity.js';
import type { EventConfig, WebhookConfig } from './trigger-config.js';

interface Happened {
  id: string | null;
  name: string;
  occurred_at: string;
  data: Record<string, unknown>;
}

const COUNTED = new Set(['task.failed', 'task.completed']);
const RECEIVED = 'webhook.received';

/** Says whether an event concerns a trigger. */
@Injectable()
export class TriggerMatcher {
  constructor(private readonly expressions: Expressions) {}

  /** @returns undefined where it does not; `fault` when that cannot be said */
  async match({ type, config, as_role }: Pick<Trigger, 'type' | 'config' | 'as_role'>, event: Happened): Promise<{ fault?: string } | undefined> {
    if (type === 'threshold') return COUNTED.has(event.name) ? {} : undefined;
    if (type === 'webhook') {
      const { webhook_id: wanted, filter } = config as WebhookConfig;
      return event.name === RECEIVED && (wanted === undefined || event.data['webhook_id'] === wanted) ? this.filtered(filter, event) : undefined;
    }
    const { event: pattern, filter } = config as EventConfig;
    // What is told to one person is nothing to act on for all.
    if (event.name.startsWith('notification') || !matchesEvent(pattern, event.name) || !roleSees(as_role, event.name)) return undefined;
    return this.filtered(filter, event);
  }

  private async filtered(filter: string | undefined, event: Happened): Promise<{ fault?: string } | undefined> {
    if (filter === undefined) return {};
    try {
      return isTrue(await this.expressions.evaluate(filter, { context: event, variables: { event } })) ? {} : undefined;
    } catch (error) {
      if (error instanceof ExpressionFailure) return { fault: `filter: ${error.message}`.slice(0, 300) };
      throw error;
    }
  }
}

/** As JSONata has it: nothing, zero, an empty text, an empty list and false are false. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
