import { invalidField } from '../../core/problem.js';
import { writtenNodes, writtenSteps } from '../../core/workflows/write-forms.js';
import type { WorkflowVersion } from './workflow-version.entity.js';
import type { WrittenWorkflowDto } from './workflows.dto.js';
import type { WrittenWorkflow } from './written-workflow.js';

const CONTENT = ['steps', 'nodes', 'edges', 'prompt', 'agent_id', 'agent', 'output', 'timeout_seconds', 'input_schema', 'parameters_schema', 'parameters'] as const satisfies readonly (keyof WrittenWorkflow)[];
const FORMS: ReadonlySet<string> = new Set(['steps', 'nodes', 'edges', 'prompt', 'agent_id', 'agent']);

/** What a request says a workflow does. @throws Problem `invalid_request` where it says so in two forms */
export function contentOf(body: WrittenWorkflowDto): WrittenWorkflow {
  const forms = (['steps', 'nodes', 'prompt'] as const).filter((form) => body[form] !== undefined && body[form] !== null);
  if (forms.length > 1) throw invalidField(forms[1] ?? '', 'contradiction', `stands beside ${forms[0] ?? ''}: a workflow is written in one form`);
  if (body.edges && !body.nodes) throw invalidField('edges', 'isDefined', 'needs nodes');
  if ((body.agent_id ?? body.agent ?? undefined) !== undefined && (body.prompt ?? undefined) === undefined) throw invalidField(body.agent_id === undefined ? 'agent' : 'agent_id', 'isDefined', 'needs a prompt: in other forms the steps name their agents');
  // Null is as good as left out where it takes nothing away.
  return Object.fromEntries(CONTENT.flatMap((name) => (body[name] === undefined || (body[name] === null && FORMS.has(name)) ? [] : [[name, body[name]]])));
}

/** What a workflow does after a change: what is left out stays, null takes it away. Undefined when the change says nothing of it. */
export function mergedContent({ graph, form, input_schema, parameters_schema }: WorkflowVersion, body: WrittenWorkflowDto): WrittenWorkflow | undefined {
  if (CONTENT.every((name) => body[name] === undefined)) return undefined;
  const { instructions, agent_id: agentId, agent } = (graph.steps[0]?.config ?? {}) as { instructions?: string; agent_id?: string; agent?: string };
  const prompt = form === 'prompt' && body.steps === undefined && body.nodes === undefined ? { prompt: instructions, ...((body.agent_id ?? body.agent) === undefined ? { agent_id: agentId, agent } : {}) } : {};
  const said = contentOf({ ...prompt, ...(body.edges && !body.nodes ? { nodes: writtenNodes(graph.steps).nodes } : {}), ...Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) });
  const isWritten = said.steps ?? said.nodes ?? said.prompt;
  const before: WrittenWorkflow = { ...(isWritten === undefined ? { steps: writtenSteps(graph.steps) } : {}), output: graph.output, timeout_seconds: graph.timeout_seconds, parameters: graph.parameters, input_schema, parameters_schema };
  return { ...before, ...said };
}
