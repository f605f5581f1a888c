import { eventually } from '../support/eventually.js';
import { createTask, createUser, ok, unique } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { ended, run, step, untilStep, work, workerOf, workflowOf } from '../support/runs.js';
import { plane, startTwo, stopTwo } from '../support/two-planes.js';

interface Firing {
  status: string;
  reason: string | null;
  result: { run_id?: string } | null;
}

beforeAll(() => startTwo());
afterAll(stopTwo);

const make = (fields: object): Promise<{ id: string }> => ok(plane.request<{ id: string }>('POST', '/api/v1/triggers', { token: ADMIN_TOKEN, body: { name: unique('trigger'), type: 'event', ...fields } }));
const history = async (id: string): Promise<Firing[]> => (await ok(plane.request<{ items: Firing[] }>('GET', `/api/v1/triggers/${id}/history`, { token: ADMIN_TOKEN }))).items;
const until = (id: string, status: string): Promise<Firing> => eventually(async () => (await history(id)).find((firing) => firing.status === status));

describe('a trigger that executes a workflow', () => {
  it('starts one run for each firing, with its input, and is not led back to itself by what the run orders', async () => {
    const agent = await workerOf();
    const title = unique('Look');
    const workflowId = await workflowOf([step('look', 'task', { config: { title, required_tools: [agent.tool] } }), step('say', 'transform', { config: { output: '{% $input.of %}' } }, 'look')]);
    const trigger = await make({ config: { event: 'task.created', filter: `$event.data.title = '${title}'` }, action: { type: 'execute_workflow', config: { workflow_id: workflowId, input: { of: '{% $event.data.task_id %}' } } } });
    const ends = await make({ config: { event: 'workflow.run', filter: `$event.data.workflow_id = '${workflowId}' and $event.data.status = 'completed'` }, action: { type: 'execute_workflow', config: { workflow_id: workflowId } } });
    const task = await createTask(plane, { title, required_tools: [unique('nobody-has-it')] });
    const { result } = await until(trigger.id, 'fired');
    expect(await run(result?.run_id ?? '')).toMatchObject({ started_by: { kind: 'trigger' } });
    // The task of its step has the same title: made by the run that the trigger started.
    expect((await until(trigger.id, 'skipped')).reason).toBe('loop');
    await work(agent, {});
    expect(await ended(result?.run_id ?? '')).toMatchObject({ status: 'completed', output: task.id });
    const again = (await until(ends.id, 'fired')).result?.run_id ?? '';
    expect(again).not.toBe(result?.run_id);
    await work(agent, {});
    expect(await ended(again)).toMatchObject({ status: 'completed' });
    expect((await until(ends.id, 'skipped')).reason).toBe('loop');
    expect((await history(trigger.id)).filter(({ status }) => status === 'fired')).toHaveLength(1);
  });

  it('is not led back to itself by an approval that a step of the run asks for', async () => {
    const title = unique('May I');
    const workflowId = await workflowOf([step('ask', 'approval', { config: { title } })]);
    const trigger = await make({ config: { event: 'approval.requested', filter: `$event.data.title = '${title}'` }, action: { type: 'execute_workflow', config: { workflow_id: workflowId } } });
    await ok(plane.request('POST', '/api/v1/approvals', { token: ADMIN_TOKEN, body: { title, action: { kind: 'x', arguments: {} } } }));
    await until(trigger.id, 'fired');
    expect((await until(trigger.id, 'skipped')).reason).toBe('loop');
    expect((await history(trigger.id)).filter(({ status }) => status === 'fired')).toHaveLength(1);
  });

  it('asks somebody else than who wrote the trigger last, with a session or a key', async () => {
    const [author, other] = [await createUser(plane, { role: 'admin' }), await createUser(plane, { role: 'admin' })];
    const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: author.token, body: { name: unique('key'), scopes: ['trigger:write', 'workflow:run', 'task:read'] } }));
    const workflowId = await workflowOf([step('ask', 'approval', { config: { title: 'Go on?' } })]);
    const title = unique('Ask');
    const trigger = await make({ config: { event: 'task.created', filter: `$event.data.title = '${title}'` }, action: { type: 'execute_workflow', config: { workflow_id: workflowId } } });
    await ok(plane.request('PUT', `/api/v1/triggers/${trigger.id}`, { token: key, body: { description: 'Mine now' } }));
    await createTask(plane, { title, required_tools: [unique('nobody-has-it')] });
    const { waiting_for: approval } = await untilStep((await until(trigger.id, 'fired')).result?.run_id ?? '', 'ask', 'waiting');
    const approve = async (token: string): Promise<number> => (await plane.request('POST', `/api/v1/approvals/${approval?.id ?? ''}/approve`, { token, body: {} })).status;
    expect([await approve(author.token), await approve(other.token)]).toEqual([403, 200]);
  });

  it('says why one was not started', async () => {
    const title = unique('gone');
    const workflowId = await workflowOf([step('say', 'transform')]);
    const trigger = await make({ config: { event: 'task.created', filter: `$event.data.title = '${title}'` }, action: { type: 'execute_workflow', config: { workflow_id: workflowId } } });
    await ok(plane.request('DELETE', `/api/v1/workflows/${workflowId}`, { token: ADMIN_TOKEN }));
    await createTask(plane, { title });
    expect((await until(trigger.id, 'failed')).reason).toMatch(/^not_found: /);
  });
});
