import { defineEvent } from '../../core/event.js';

/** The last thing of a kind was made that the plan of the tenant allows. */
export const PlanLimitReached = defineEvent<{ limit_name: string; limit: number }>('plan_limit.reached');
