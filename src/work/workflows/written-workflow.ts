import type { Graph } from '../../core/workflows/graph.js';
import type { WorkflowForm } from './workflow-version.entity.js';

/** What a workflow does, as somebody wrote it: in one of the three forms. */
export interface WrittenWorkflow {
  steps?: readonly unknown[] | undefined;
  nodes?: readonly unknown[] | undefined;
  edges?: readonly unknown[] | undefined;
  prompt?: string | undefined;
  agent_id?: string | null | undefined;
  agent?: string | undefined;
  output?: unknown;
  timeout_seconds?: number | null | undefined;
  input_schema?: object | null | undefined;
  parameters_schema?: object | null | undefined;
  parameters?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What was made of it. */
export interface ReadWorkflow {
  form: WorkflowForm;
  graph: Graph;
  stepCount: number;
  /** Workflows that its steps run, by their ids. */
  children: string[];
  inputSchema: object | null;
  parametersSchema: object | null;
}
