export const AGENT_STATUSES = ['offline', 'idle', 'busy', 'error', 'paused', 'maintenance'] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** What an agent may say about itself: a status, or `online`, which becomes `idle` or `busy` by what it holds. */
export const REPORTED_STATUSES = ['online', ...AGENT_STATUSES] as const;
export type ReportedStatus = (typeof REPORTED_STATUSES)[number];

export const CONTROL_STATES = ['running', 'paused', 'killed'] as const;
export type ControlState = (typeof CONTROL_STATES)[number];

/** How much an agent may do without being asked, for approvals and the agent itself. */
export const AUTONOMY_LEVELS = ['manual', 'supervised', 'autonomous'] as const;
export type AutonomyLevel = (typeof AUTONOMY_LEVELS)[number];

/** What an operator has decided about an agent: it outweighs whatever the agent reports. */
export interface Controlled {
  is_active: boolean;
  control_state: ControlState;
}

/**
 * The status of an agent that is alive and reports `reported`.
 * @param held how many tasks it holds
 */
export function statusOf({ is_active, control_state }: Controlled, reported: ReportedStatus, held: number): AgentStatus {
  if (!is_active || control_state === 'killed' || reported === 'offline') return 'offline';
  if (control_state === 'paused') return 'paused';
  if (reported === 'online') return held > 0 ? 'busy' : 'idle';
  return reported;
}

/** The status after `start`: idle as documented, unless it was at work already or an operator holds it. */
export function statusWhenStarted({ status, control_state }: { status: AgentStatus; control_state: ControlState }): AgentStatus {
  if (control_state === 'killed') return 'offline';
  if (control_state === 'paused') return 'paused';
  return status === 'offline' ? 'idle' : status;
}

/** The status after `resume`. A killed agent was cut off, and a silent one stays offline, until it is heard again. */
export function statusWhenResumed({ status, is_active, control_state }: Controlled & { status: AgentStatus }, held: number): AgentStatus {
  if (!is_active || control_state === 'killed' || status === 'offline') return 'offline';
  if (control_state === 'running') return status;
  return held > 0 ? 'busy' : 'idle';
}
