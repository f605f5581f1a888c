import type { Graph } from '../../core/workflows/graph.js';
import { writtenNodes, writtenSteps } from '../../core/workflows/write-forms.js';
import type { Schedule, Workflow, WorkflowStatus, WorkflowTrigger } from './workflow.entity.js';
import type { WorkflowForm, WorkflowVersion } from './workflow-version.entity.js';

/** A workflow as lists show it. */
export class WorkflowSummaryView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example Release */
  name!: string;
  /** @example "Checks and releases a version." */
  description!: string | null;
  /** @example active */
  status!: WorkflowStatus;
  /**
   * Whether it is active.
   * @example true
   */
  is_enabled!: boolean;
  /** @example false */
  is_template!: boolean;
  /**
   * The newest one.
   * @example 3
   */
  version!: number;
  /** @example cron */
  trigger_type!: WorkflowTrigger;
  /** @example {"expression": "0 9 * * *", "timezone": "Europe/Berlin", "missed": "skip"} */
  trigger_config!: object;
  /** @example "0 9 * * *" */
  schedule!: string | null;
  /** @example "Europe/Berlin" */
  timezone!: string | null;
  /** Of a workflow that is one prompt: the prompt. */
  prompt!: string | null;
  /** Of a workflow that is one prompt: its agent. */
  agent_id!: string | null;
  /** @example {"owner": "platform team"} */
  config!: object;
  /** The template that it was made of. */
  template_id!: string | null;
  /** @example "2026-01-01T09:00:00.000Z" */
  last_run_at!: string | null;
  /** @example "2026-01-01T08:00:00.000Z" */
  created_at!: string;
  /** @example "2026-01-01T08:00:00.000Z" */
  updated_at!: string;
  /** @example 3 */
  revision!: number;
}

/** A workflow in a list. */
export class ListedWorkflowView extends WorkflowSummaryView {
  /**
   * Of a workflow that is one prompt: the name of its agent.
   * @example Reporter
   */
  agent_name!: string | null;
}

/** What a version does, in all forms. */
class WorkflowContentView extends WorkflowSummaryView {
  /**
   * How it was written.
   * @example steps
   */
  form!: WorkflowForm;
  /** @example [{"key": "lint", "name": "lint", "type": "task", "depends_on": [], "join": "all", "on_error": "fail", "config": {"required_tools": ["eslint"]}}] */
  steps!: object[];
  /** @example [{"id": "lint", "type": "task", "data": {"label": "lint", "join": "all", "on_error": "fail", "config": {"required_tools": ["eslint"]}}}] */
  nodes!: object[];
  /** @example [] */
  edges!: object[];
  /** @example {"version": "{% $input.version %}"} */
  output!: unknown;
  /** @example 86400 */
  timeout_seconds!: number | null;
  /** @example {"type": "object"} */
  input_schema!: object | null;
  /** @example null */
  parameters_schema!: object | null;
  /** @example null */
  parameters!: object | null;
}

/** A workflow with what it does. */
export class WorkflowView extends WorkflowContentView {}

/** One state of a workflow's graph, as lists show it. */
export class WorkflowVersionView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 3 */
  version!: number;
  /** @example steps */
  form!: WorkflowForm;
  /** @example 12 */
  step_count!: number;
  /** @example user */
  created_by_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  created_by_id!: string;
  /** @example "2026-01-01T08:00:00.000Z" */
  created_at!: string;
}

/** One state of a workflow's graph. */
export class WorkflowVersionDetailView extends WorkflowVersionView {
  /** @example [] */
  steps!: object[];
  /** @example null */
  output!: unknown;
  /** @example null */
  input_schema!: object | null;
  /** @example null */
  parameters!: object | null;
}

/** Something that is wrong with a workflow. */
export class WorkflowFindingView {
  /** @example "steps[3].depends_on[0]" */
  field!: string;
  /** @example cycle */
  code!: string;
  /** @example "These steps wait for each other: a → b → a." */
  message!: string;
}

/** Whether a workflow could be stored. */
export class WorkflowValidationView {
  /** @example false */
  valid!: boolean;
  errors!: WorkflowFindingView[];
  /** @example 12 */
  step_count!: number;
}

/** The one task of a prompt. */
const promptOf = (graph: Graph | undefined): { prompt: string | null; agent_id: string | null } => {
  const { instructions, agent_id } = (graph?.steps[0]?.config ?? {}) as { instructions?: unknown; agent_id?: unknown };
  return { prompt: typeof instructions === 'string' ? instructions : null, agent_id: typeof agent_id === 'string' ? agent_id : null };
};

/** @param prompt the graph, where it is one prompt */
export function toSummaryView(workflow: Workflow, prompt: Graph | undefined): WorkflowSummaryView {
  const { id, name, description, status, is_template, version, trigger_type, config, template_id, revision } = workflow;
  const schedule: Partial<Schedule> = workflow.trigger_config;
  return {
    id, name, description, status, is_enabled: status === 'active', is_template, version, trigger_type, trigger_config: schedule, schedule: schedule.expression ?? null, timezone: schedule.timezone ?? null,
    ...promptOf(prompt), config, template_id, last_run_at: workflow.last_run_at?.toISOString() ?? null, created_at: workflow.created_at.toISOString(), updated_at: workflow.updated_at.toISOString(), revision,
  };
}

export function toWorkflowView(workflow: Workflow, version: WorkflowVersion): WorkflowView {
  const { graph, form, input_schema, parameters_schema } = version;
  return {
    ...toSummaryView(workflow, form === 'prompt' ? graph : undefined), form, steps: writtenSteps(graph.steps), ...writtenNodes(graph.steps), output: graph.output ?? null,
    timeout_seconds: graph.timeout_seconds ?? null, input_schema, parameters_schema, parameters: graph.parameters ?? null,
  };
}

export const toVersionView = ({ id, version, form, step_count, created_by_kind, created_by_id, created_at }: WorkflowVersion): WorkflowVersionView => ({ id, version, form, step_count, created_by_kind, created_by_id, created_at: created_at.toISOString() });

export const toVersionDetailView = (row: WorkflowVersion): WorkflowVersionDetailView => ({ ...toVersionView(row), steps: writtenSteps(row.graph.steps), output: row.graph.output ?? null, input_schema: row.input_schema, parameters: row.graph.parameters ?? null });
