import { defineEvent } from '../../core/event.js';

/** An agent's status or what an operator decided about it changed. */
export const AgentStatusChanged = defineEvent<{
  agent_id: string;
  name: string;
  status: string;
  previous_status: string;
  is_active: boolean;
  control_state: string;
  previous_control_state: string;
}>('agent.status');

/** An agent was deleted: what it held is queued again, its tokens are revoked. */
export const AgentDeleted = defineEvent<{ agent_id: string }>('agent.deleted');
