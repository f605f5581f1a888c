import { Injectable } from '@nestjs/common';
import { newId } from '../../core/ids.js';
import { Problem } from '../../core/problem.js';
import { ExpressionError } from '../../platform/expressions/syntax.js';
import { Expressions } from '../../platform/expressions/expressions.js';
import { type Notice, Notifier } from '../../platform/notifications/notifier.port.js';
import { type WebhookCall, WebhookCalls } from '../../platform/webhooks/webhook-calls.port.js';
import { TaskOrders } from '../tasks/task-orders.port.js';
import { WorkflowRuns } from '../workflows/workflow-runs.port.js';
import type { Trigger } from './trigger.entity.js';
import { type TriggerAction, unprocessable } from './trigger-config.js';
import type { TriggerFiring } from './trigger-firing.entity.js';
import { TriggerReferences } from './trigger-references.js';
import { TriggerFired } from './triggers.events.js';

type Filled = Record<string, unknown>;

/** What an expression found nothing for is no text. */
const text = (value: unknown): string => (typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value));

/** What triggers do. Everything in the running transaction. */
@Injectable()
export class TriggerActions {
  private readonly does: Record<TriggerAction['type'], (trigger: Trigger, firing: TriggerFiring, filled: Filled) => Promise<object>>;

  constructor(
    private readonly expressions: Expressions,
    tasks: TaskOrders,
    runs: WorkflowRuns,
    notifier: Notifier,
    webhooks: WebhookCalls,
    references: TriggerReferences,
  ) {
    this.does = {
      create_task: async (_trigger, _firing, filled) => {
        const id = newId();
        const refused = (await tasks.create([{ id, values: filled }])).get(id);
        if (refused) throw refused;
        return { task_id: id };
      },
      send_notification: async (trigger, firing, filled) => {
        const notice = noticeOf(trigger, firing, filled);
        const { users = [], roles = [] } = notice.to;
        const gone = users.length === 0 ? [] : await references.goneAmong(users);
        if (roles.length === 0 && gone.length === users.length) throw new Problem('not_found', { detail: 'Nobody of those who were to be told is an active user any more.' });
        await notifier.notify(notice);
        return gone.length === 0 ? {} : { not_told: gone };
      },
      execute_workflow: async (trigger, firing, { workflow_id, input }) => {
        const { runId } = await runs.start({ workflowId: String(workflow_id), input: input ?? {}, key: `trigger:${firing.id}`, startedBy: { kind: 'trigger', id: firing.id }, requester: trigger.author ?? undefined });
        return { run_id: runId };
      },
      call_webhook: async (_trigger, firing, filled) => {
        const { deliveryId } = await webhooks.call(callOf(firing, filled));
        return { delivery_id: deliveryId };
      },
    };
  }

  /** @throws Problem `unprocessable` for an action whose expressions are none */
  check({ config }: TriggerAction): void {
    for (const expression of this.expressions.in(config)) this.checkExpression(expression, 'action.config');
  }

  /** @throws Problem `unprocessable` with the place */
  checkExpression(expression: string, field: string): void {
    try {
      if (this.expressions.syntax(expression).steps.length > 0) throw new ExpressionError('There are no $steps here.', 0);
    } catch (error) {
      if (error instanceof ExpressionError) throw unprocessable(field, 'bad_expression', `${error.message} (at ${error.position})`);
      throw error;
    }
  }

  /** The action with what its expressions say. Outside of a transaction: they may take their time. @throws ExpressionFailure */
  async fill({ id, name, action }: Trigger, { event, count, id: firingId }: TriggerFiring): Promise<Filled> {
    return (await this.expressions.fill(action.config, { context: event, variables: { event, count, trigger: { id, name }, firing: { id: firingId } } })) as Filled;
  }

  /** @returns what came of it */
  perform(trigger: Trigger, firing: TriggerFiring, filled: Filled): Promise<object> {
    return this.does[trigger.action.type](trigger, firing, filled);
  }
}

function noticeOf(trigger: Trigger, firing: TriggerFiring, filled: Filled): Notice {
  const { data } = firing.event;
  const agent = data['agent_id'] ?? data['holder_id'];
  return {
    type: 'trigger',
    // What may be filled in was checked for its form when the trigger was written; these two take no expressions.
    severity: filled['severity'] as Notice['severity'],
    to: filled['to'] as Notice['to'],
    title: text(filled['title']) || trigger.name,
    ...(filled['body'] === undefined ? {} : { body: text(filled['body']) }),
    ...(filled['link'] === undefined ? {} : { link: text(filled['link']) }),
    metadata: { trigger_id: trigger.id, firing_id: firing.id, event_id: firing.event_id, count: firing.count },
    ...(typeof agent === 'string' ? { agentId: agent } : {}),
    key: `trigger-firing:${firing.id}`,
  };
}

function callOf(firing: TriggerFiring, { webhook_id: webhookId, url, type, data }: Filled): WebhookCall {
  return {
    ...(typeof webhookId === 'string' ? { webhookId } : {}),
    ...(typeof url === 'string' ? { url } : {}),
    type: typeof type === 'string' ? type : TriggerFired.name,
    data: typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Filled) : { event: firing.event, count: firing.count },
    key: `trigger:${firing.id}`,
  };
}
