import type { Step } from '../../../core/workflows/graph.js';
import type { ShownStep } from './run-rows.js';

/** What is known of the things outside that a run waits for. */
export interface Outside {
  tasks: ReadonlyMap<string, { status: string; claimed_by: string | null; required_tools: readonly string[]; agent_id: string | null }>;
  runs: ReadonlyMap<string, { status: string }>;
}

/** Where a run stands, as far as it says why its steps do. */
export interface RunStanding {
  status: string;
  breakage: string | null;
}

/**
 * Why a step stands where it does, in words for whoever looks at a run that does not go on.
 * @returns undefined for one that has ended without a reason of its own
 */
export function whyOf(step: ShownStep, run: RunStanding, graph: Step | undefined, outside: Outside): string | undefined {
  switch (step.status) {
    case 'pending':
      return pendingReason(graph);
    case 'ready':
      return run.status === 'paused' ? 'The run is paused.' : (run.breakage ?? 'It starts as soon as a process comes to it.');
    case 'retrying':
      return `${step.reason ?? 'It is tried again.'}${step.due_at ? ` Next try at ${step.due_at.toISOString()}.` : ''}`;
    case 'waiting':
      return waitingReason(step, graph, outside);
    case 'completed':
    case 'failed':
    case 'skipped':
    case 'cancelled':
      return step.error && step.status === 'failed' ? `${step.error.code}: ${step.error.message}` : (step.reason ?? undefined);
    default:
      return step.status satisfies never;
  }
}

function pendingReason(graph: Step | undefined): string {
  const names = graph?.depends_on.map(({ step }) => step) ?? [];
  if (names.length === 0) return 'It waits for its turn.';
  return graph?.join === 'all' ? `It waits for ${names.join(', ')}.` : `It waits for ${graph?.join === 'any' ? 'one' : String(graph?.join)} of ${names.join(', ')}.`;
}

function waitingReason(step: ShownStep, graph: Step | undefined, outside: Outside): string {
  const { waiting_kind: kind, waiting_id: id, due_at: due, timeout_at: timeout } = step;
  const until = timeout ? ` It is given up at ${timeout.toISOString()}.` : '';
  if (kind === 'time') return `It waits until ${due?.toISOString() ?? 'its time'}.`;
  if (kind === 'task') return taskReason(id ?? '', outside) + until;
  if (kind === 'approval') return `It waits for the approval ${id ?? ''}.${until}`;
  if (kind === 'call') return `Its call is under way, or waits for its turn.${until}`;
  if (kind === 'run') return `It waits for the run ${id ?? ''}, which is ${outside.runs.get(id ?? '')?.status ?? 'not there any more'}.${until}`;
  if (kind === 'event') return `It waits for an event ${id ?? ''}${graph && hasMatch(graph) ? ' that its condition takes' : ''}.${until}${step.reason === null ? '' : ` ${step.reason}`}`;
  const ended = step.done + step.lost;
  return `${ended} of its ${step.type === 'map' ? 'items' : 'branches'} have ended, ${step.open} are open.${until}`;
}

const hasMatch = ({ config }: Step): boolean => (config['event'] as { match?: string } | undefined)?.match !== undefined;

function taskReason(id: string, { tasks }: Outside): string {
  const task = tasks.get(id);
  if (!task) return `It waits for the task ${id}, which is not there any more.`;
  if (task.claimed_by !== null) return `The agent ${task.claimed_by} works on the task ${id}.`;
  const whom = task.agent_id === null ? 'an agent' : `the agent ${task.agent_id}`;
  const tools = task.required_tools.length === 0 ? '' : ` with ${task.required_tools.join(', ')}`;
  return task.status === 'queued' ? `The task ${id} waits for ${whom}${tools} to claim it.` : `The task ${id} is ${task.status}.`;
}
