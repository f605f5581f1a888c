import { newId, OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import type { Graph, Step } from '../../src/core/workflows/graph.js';
import { withAdmin } from './databases.js';
import { eventually } from './eventually.js';
import { claim, createAgent, ok, type TestAgent, unique } from './factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane } from './plane.js';
import type { RunningPlane } from './requests.js';
import { plane } from './two-planes.js';

/** A step of a run as the API shows it. */
export interface Shown extends Record<string, unknown> {
  path: string;
  type: string;
  status: string;
  why: string | null;
  waiting_for: { kind: string; id: string } | null;
  output: unknown;
  attempts: { attempt: number; outcome: string; error: { code: string } | null; made: { kind: string; id: string } | null }[];
}

/** A run as the API shows it. */
export interface Run extends Record<string, unknown> {
  id: string;
  status: string;
  output: unknown;
  error: { code: string; message: string } | null;
  revision: number;
  step_counts: Record<string, number>;
  waits: Shown[];
  steps: Shown[];
}

export const RUNS = '/api/v1/workflow-runs';

/** A step as the graph holds it; what is left out is as it would be. */
export const step = (key: string, type: Step['type'], fields: Partial<Step> = {}, ...after: string[]): Step => ({
  key, name: key, type, depends_on: after.map((of) => ({ step: of })), join: 'all', on_error: 'fail', config: {}, ...fields,
});

/** A workflow that is ready to run. @returns its id */
export async function workflowOf(steps: readonly Step[], more: Partial<Graph> & { input_schema?: object } = {}, tenantId = OPERATOR_TENANT_ID, at: Pick<RunningPlane, 'database'> = plane): Promise<string> {
  const id = newId();
  const { input_schema: schema = null, ...graph } = more;
  await withAdmin(async (admin) => {
    await admin.query(`insert into workflows (tenant_id, id, name, status, version, created_by_kind, created_by_id) values ($1, $2, $3, 'active', 1, 'user', 'test')`, [tenantId, id, unique('workflow')]);
    await admin.query(`insert into workflow_versions (tenant_id, id, workflow_id, version, form, graph, step_count, input_schema, created_by_kind, created_by_id) values ($1, $2, $3, 1, 'steps', $4, $5, $6, 'user', 'test')`, [
      tenantId, newId(), id, JSON.stringify({ ...graph, steps }), steps.length, schema,
    ]);
  }, at.database.name);
  return id;
}

/** Starts a run. @returns its id */
export async function start(workflowId: string, input?: object, token = ADMIN_TOKEN, at: Plane = plane): Promise<string> {
  return (await ok(at.request<{ run_id: string }>('POST', `/api/v1/workflows/${workflowId}/run`, { token, body: input === undefined ? {} : { input } }))).run_id;
}

export const run = (id: string, token = ADMIN_TOKEN, at: Plane = plane): Promise<Run> => ok(at.request<Run>('GET', `${RUNS}/${id}`, { token }));

export const control = (id: string, verb: 'cancel' | 'pause' | 'resume' | 'retry', body: object = {}, token = ADMIN_TOKEN, at: Plane = plane): Promise<ApiResponse<Run>> => at.request('POST', `${RUNS}/${id}/${verb}`, { token, body });

/** The run once it is in one of the statuses. */
export async function until(id: string, ...statuses: string[]): Promise<Run> {
  return eventually(async () => {
    const now = await run(id);
    return statuses.includes(now.status) ? now : undefined;
  });
}

/** The run once it has ended. */
export const ended = (id: string): Promise<Run> => until(id, 'completed', 'failed', 'cancelled');

/** The run's steps, once one of them stands so. */
export async function untilStep(id: string, path: string, ...statuses: string[]): Promise<Shown> {
  return eventually(async () => {
    const { steps, waits } = await run(id);
    return [...steps, ...waits].find((shown) => shown.path === path && statuses.includes(shown.status));
  });
}

export const stepsOf = ({ steps }: Run): Record<string, string> => Object.fromEntries(steps.map(({ path, status }) => [path, status]));

/** An agent with a tool of its own, so that no other gets its tasks. */
export async function workerOf(fields: Record<string, unknown> = {}): Promise<TestAgent & { tool: string }> {
  const tool = unique('tool');
  return { ...(await createAgent(plane, { enabled_tools: [tool], max_concurrent_tasks: 100, ...fields })), tool };
}

/** Claims the agent's next task and completes it. @returns the task */
export async function work(agent: TestAgent, result: unknown = {}): Promise<Record<string, unknown>> {
  const [got] = await eventually(async () => {
    const items = await claim(plane, agent);
    return items.length > 0 ? items : undefined;
  });
  if (!got) throw new Error('There is nothing to claim.');
  await ok(plane.request('POST', `/api/v1/agent/tasks/${got.task.id}/complete`, { token: agent.token, body: { fence: got.lease.fence, result } }));
  return got.task;
}
