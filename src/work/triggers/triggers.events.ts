import { defineEvent } from '../../core/event.js';

interface TriggerFact {
  trigger_id: string;
  firing_id: string;
  name: string;
  action: string;
}

/** A trigger fired: its action is done, in the same transaction. */
export const TriggerFired = defineEvent<TriggerFact & { count: number }>('trigger.fired');
/** The action of a trigger could not be done, and is not tried again. */
export const TriggerFailed = defineEvent<TriggerFact & { reason: string }>('trigger.failed');
