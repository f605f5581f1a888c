import { isId } from '../../core/ids.js';
import { within } from '../../core/workflows/findings.js';
import type { Step } from '../../core/workflows/graph.js';
import type { Reading } from '../../core/workflows/read-forms.js';

/** Something outside of a workflow that a step of it names, written out. */
export interface Reference {
  value: string;
  place: string;
}

/** What steps name by `agent_id`, `agent`, `board_id` and `workflow_id`; what an expression says is known in a run alone. */
export interface References {
  agents: Reference[];
  slugs: Reference[];
  boards: Reference[];
  workflows: Reference[];
}

/** Gathers what the steps of a graph name, those in steps and those that undo steps among them. */
export function referencesOf(steps: readonly Step[], reading: Reading): References {
  const found: References = { agents: [], slugs: [], boards: [], workflows: [] };
  const todo = [...steps];
  for (let step = todo.pop(); step; step = todo.pop()) {
    const place = reading.placeOf(step);
    gather(step.config, place.config, found);
    if (step.compensate) gather(step.compensate.config, within(place.at, 'compensate.config'), found);
    for (const scope of step.scopes ?? []) todo.push(...scope.steps);
  }
  return found;
}

function gather({ agent_id: agentId, agent, board_id: boardId, workflow_id: workflowId }: Step['config'], place: string, found: References): void {
  if (isId(agentId)) found.agents.push({ value: agentId, place: within(place, 'agent_id') });
  if (typeof agent === 'string' && !agent.includes('{%')) found.slugs.push({ value: agent, place: within(place, 'agent') });
  if (isId(boardId)) found.boards.push({ value: boardId, place: within(place, 'board_id') });
  if (isId(workflowId)) found.workflows.push({ value: workflowId, place: within(place, 'workflow_id') });
}
