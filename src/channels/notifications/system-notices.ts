import type { StoredEvent } from '../../core/event.js';
import type { AgentStatusChanged } from '../../fleet/agents/agents.events.js';
import type { PlanLimitReached } from '../../identity/tenants/tenants.events.js';
import type { Notice } from '../../platform/notifications/notifier.port.js';
import type { WaitingApproval } from '../../safeguards/approvals/approvals.reader.js';
import type { BreakerOpened } from '../../safeguards/circuit-breakers/circuit-breakers.events.js';
import type { TaskFailed } from '../../work/tasks/tasks.events.js';

type FactOf<E> = E extends { readonly __data?: infer T } ? (T extends object ? StoredEvent<T> : never) : never;

const ADMINS: Notice['to'] = { roles: ['admin'] };
const HOUR = 13;
const DAY = 10;
const CRITICAL_RISKS = new Set(['high', 'critical']);

/** Of an agent that fails or was cut off; undefined for every other change. */
export function noticeOfAgent({ id, data }: FactOf<typeof AgentStatusChanged>): Notice | undefined {
  const about = { to: ADMINS, link: `/agents/${data.agent_id}`, metadata: { agent_id: data.agent_id }, agentId: data.agent_id, key: `agent:${id}` };
  if (data.control_state === 'killed' && data.previous_control_state !== 'killed')
    return { ...about, type: 'agent_killed', severity: 'high', title: `Agent ${data.name} was killed`, body: 'Its tasks are taken back and its token is refused until it is resumed.' };
  if (data.status === 'error' && data.previous_status !== 'error')
    return { ...about, type: 'agent_error', severity: 'high', title: `Agent ${data.name} reports an error`, body: 'It says so itself, with its heartbeat.' };
  return undefined;
}

/** Of a task that is not tried again. */
export function noticeOfTask({ id, data }: FactOf<typeof TaskFailed>): Notice | undefined {
  if (data.status !== 'dead_letter') return undefined;
  return {
    to: ADMINS,
    type: 'dead_letter',
    severity: 'warning',
    title: 'A task failed for good',
    body: data.error,
    link: `/tasks/${data.task_id}`,
    metadata: { task_id: data.task_id, agent_id: data.agent_id, board_id: data.board_id },
    ...(data.holder_id === null ? {} : { agentId: data.holder_id }),
    key: `dead-letter:${id}`,
  };
}

/** The key of what is said about an approval: once that is decided, it needs no reading. */
export const approvalKey = (approvalId: string): string => `approval:${approvalId}`;

/** Of an approval that waits: for those who are named, or for the administrators where everybody may decide. */
export function noticeOfApproval({ id, title, kind, risk, agent_id, task_id, users, roles }: WaitingApproval): Notice {
  return {
    to: users.length + roles.length > 0 ? { users, roles } : ADMINS,
    type: 'approval',
    severity: risk !== null && CRITICAL_RISKS.has(risk) ? 'high' : 'warning',
    title: `Approval wanted: ${title}`,
    link: `/approvals/${id}`,
    metadata: { approval_id: id, kind, risk, agent_id, task_id },
    ...(agent_id === null ? {} : { agentId: agent_id }),
    key: approvalKey(id),
  };
}

/** Of a circuit breaker that opened: once in an hour, however often it flaps. */
export function noticeOfBreaker({ occurred_at, data }: FactOf<typeof BreakerOpened>): Notice {
  return {
    to: ADMINS,
    type: 'circuit_breaker',
    severity: 'high',
    title: `Circuit breaker ${data.name} opened`,
    body: `Calls to ${data.target} are refused: ${data.reason}`,
    link: `/circuit-breakers/${encodeURIComponent(data.name)}`,
    metadata: { breaker_id: data.breaker_id, target: data.target, forced: data.forced, next_probe_at: data.next_probe_at },
    key: `breaker:${data.breaker_id}:${occurred_at.slice(0, HOUR)}`,
  };
}

/** Of a limit of the plan that is used up: once a day. */
export function noticeOfPlan({ occurred_at, data }: FactOf<typeof PlanLimitReached>): Notice {
  const things = data.limit_name.replaceAll('_', ' ');
  return {
    to: ADMINS,
    type: 'plan_limit',
    severity: 'warning',
    title: `The plan's limit of ${things} is reached`,
    body: `The plan allows ${data.limit} ${things}; the next one is refused.`,
    metadata: { limit_name: data.limit_name, limit: data.limit },
    key: `plan-limit:${data.limit_name}:${data.limit}:${occurred_at.slice(0, DAY)}`,
  };
}
