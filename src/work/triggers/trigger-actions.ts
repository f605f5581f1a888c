import { Injectable } from '@nestjs/common';
import { ExpressionError } from '../../platform/expressions/syntax.js';
import { Expressions } from '../../platform/expressions/expressions.js';
import { type Notice, Notifier } from '../../platform/notifications/notifier.port.js';
import { TaskIntake } from '../tasks/task-intake.port.js';
import type { Trigger } from './trigger.entity.js';
import { type TriggerAction, unprocessable } from './trigger-config.js';
import type { TriggerFiring } from './trigger-firing.entity.js';

type Filled = Record<string, unknown>;

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''));

/** What triggers do. Everything in the running transaction. */
@Injectable()
export class TriggerActions {
  private readonly does: Record<TriggerAction['type'], ((trigger: Trigger, firing: TriggerFiring, filled: Filled) => Promise<object>) | undefined>;

  constructor(
    private readonly expressions: Expressions,
    tasks: TaskIntake,
    notifier: Notifier,
  ) {
    this.does = {
      create_task: async (_trigger, _firing, filled) => ({ task_id: (await tasks.create(filled)).id }),
      send_notification: async (trigger, firing, filled) => {
        await notifier.notify(noticeOf(trigger, firing, filled));
        return {};
      },
      execute_workflow: undefined,
      call_webhook: undefined,
    };
  }

  /** @throws Problem `unprocessable` for an action that cannot be done here, or whose expressions are none */
  check({ type, config }: TriggerAction): void {
    if (!this.does[type]) throw unprocessable('action.type', 'unavailable', `${type} is not available in this version.`);
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
  async perform(trigger: Trigger, firing: TriggerFiring, filled: Filled): Promise<object> {
    const act = this.does[trigger.action.type];
    if (!act) throw unprocessable('action.type', 'unavailable', `${trigger.action.type} is not available in this version.`);
    return act(trigger, firing, filled);
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
    title: text(filled['title']),
    ...(filled['body'] === undefined ? {} : { body: text(filled['body']) }),
    ...(filled['link'] === undefined ? {} : { link: text(filled['link']) }),
    metadata: { trigger_id: trigger.id, firing_id: firing.id, event_id: firing.event_id, count: firing.count },
    ...(typeof agent === 'string' ? { agentId: agent } : {}),
    key: `trigger-firing:${firing.id}`,
  };
}
