import { newId } from '../../src/core/ids.js';
import { CronTicks } from '../../src/platform/jobs/cron-ticks.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createAgent, createTenant, createUser, ok, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse } from '../support/plane.js';
import { control, ended, start } from '../support/runs.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

const WORKFLOWS = '/api/v1/workflows';

interface Workflow extends Record<string, unknown> {
  id: string;
  version: number;
  revision: number;
  form: string;
  steps: ({ key: string; depends_on: unknown[] } & Record<string, unknown>)[];
  nodes: { id: string }[];
  edges: { source: string; target: string; label?: string }[];
}
interface Refusal {
  code: string;
  errors: { field: string; code: string }[];
}

beforeAll(() => startTwo());
afterAll(stopTwo);

const send = <T = Workflow>(method: string, path: string, body?: object, token = ADMIN_TOKEN, headers: Record<string, string> = {}): Promise<ApiResponse<T>> => plane.request<T>(method, `${WORKFLOWS}${path}`, { token, ...(body ? { body } : {}), headers });
const make = (body: object): Promise<Workflow> => ok(send('POST', '', { name: unique('workflow'), ...body }));
const refused = async (body: object): Promise<string[]> => {
  const { status, body: problem } = await send<Refusal>('POST', '', { name: 'x', ...body });
  expect([status, problem.code]).toEqual([422, 'workflow_invalid']);
  return problem.errors.map(({ field, code }) => `${field} ${code}`);
};

describe('a workflow is written in three forms, and read back in all', () => {
  it('steps that name what they depend on', async () => {
    const made = await make({ steps: [{ key: 'a', type: 'transform', config: { output: 1 } }, { name: 'And Then', step_type: 'transform', depends_on: ['a'], config: { output: '{% $steps.a.output + 1 %}' } }] });
    expect(made).toMatchObject({ form: 'steps', version: 1, status: 'active', steps: [{ key: 'a' }, { key: 'and-then', name: 'And Then', depends_on: ['a'] }], nodes: [{ id: 'a' }, { id: 'and-then' }], edges: [{ source: 'a', target: 'and-then' }] });
    expect(await ended(await start(made.id))).toMatchObject({ status: 'completed', output: 2 });
  });

  it('nodes and edges, whose labels are branches', async () => {
    const nodes = [
      { id: 'size', type: 'condition', position: { x: 10, y: 20 }, data: { label: 'How large?', config: { branches: [{ name: 'large', when: '{% $input.n > 10 %}' }], default: 'small' } } },
      { id: 'boast', type: 'transform', data: { config: { output: 'large' } } },
      { id: 'whisper', type: 'transform', data: { config: { output: 'small' } } },
    ];
    const edges = [{ source: 'size', target: 'boast', label: 'large' }, { source: 'size', target: 'whisper', label: 'small' }];
    const made = await make({ nodes, edges, trigger_type: 'manual' });
    expect(made).toMatchObject({ form: 'nodes', nodes: [{ id: 'size', position: { x: 10, y: 20 }, data: { label: 'How large?' } }, {}, {}], edges: [{ source: 'size', target: 'boast', label: 'large' }, {}], steps: [{ key: 'size' }, { depends_on: [{ step: 'size', branch: 'large' }] }, {}] });
    expect(await ended(await start(made.id, { n: 11 }))).toMatchObject({ output: 'large' });
    const again = await make({ nodes: made.nodes, edges: made.edges });
    expect({ steps: again.steps, nodes: again.nodes, edges: again.edges }).toEqual({ steps: made.steps, nodes: made.nodes, edges: made.edges });
    expect((await make({ steps: made.steps })).nodes).toEqual(made.nodes);
  });

  it('a prompt for an agent, on a schedule', async () => {
    const agent = await createAgent(plane);
    const made = await make({ prompt: 'Write a digest.', agent_id: agent.id, schedule: '0 9 * * *', timezone: 'Europe/Berlin' });
    expect(made).toMatchObject({ form: 'prompt', prompt: 'Write a digest.', agent_id: agent.id, schedule: '0 9 * * *', is_enabled: true, trigger_type: 'cron', trigger_config: { expression: '0 9 * * *', timezone: 'Europe/Berlin', missed: 'skip' } });
    const { items } = await ok(send<{ items: Workflow[] }>('GET', `?search=${String(made['name'])}`));
    expect(items).toMatchObject([{ id: made.id, prompt: 'Write a digest.', agent_id: agent.id, agent_name: expect.stringMatching(/./) as string }]);
    const changed = await ok(send('PATCH', `/${made.id}`, { prompt: 'Write a short digest.' }));
    expect(changed).toMatchObject({ version: 2, prompt: 'Write a short digest.', agent_id: agent.id });
    expect(await ok(send('PATCH', `/${made.id}`, { is_enabled: false }))).toMatchObject({ version: 2, status: 'disabled' });
  });
});

describe('what is wrong with a workflow is said at once, each by its place', () => {
  it('cycles, unknown and unreachable steps, expressions, keys', async () => {
    const steps = [
      { key: 'a', type: 'transform', depends_on: ['c'] },
      { key: 'b', type: 'transform', depends_on: ['a', 'nobody'], config: { output: '{% $steps.d.output + %}' } },
      { key: 'c', type: 'transform', depends_on: ['b'] },
      { key: 'd', type: 'transform', when: '$steps.b.output' },
      { key: 'd', type: 'sculpture' },
      { key: 'e', type: 'wait', config: { seconds: -1 } },
      { key: 'f', type: 'task', config: { agent_id: newId(), board_id: newId() } },
      { key: 'g', type: 'workflow', config: { workflow_id: newId() } },
    ];
    const found = await refused({ steps, input_schema: { type: 'nonsense' } });
    for (const expected of [/^steps\[\d\]\.depends_on\[0\] cycle$/, /^steps\[1\]\.depends_on\[1\] unknown_step$/, /^steps\[1\]\.config\.output bad_expression$/, /^steps\[3\]\.when bad_expression$/, /^steps\[4\]\.type /, /^steps\[4\]\.key duplicate_key$/, /^steps\[5\]\.config\.seconds bad_value$/, /^steps\[6\]\.config\.agent_id unknown_agent$/, /^steps\[6\]\.config\.board_id unknown_board$/, /^steps\[7\]\.config\.workflow_id unknown_workflow$/, /^input_schema/]) {
      expect(found).toContainEqual(expect.stringMatching(expected));
    }
  });

  it('in nodes and edges by their places, and in steps that stand in steps', async () => {
    expect(await refused({ nodes: [{ id: 'a', type: 'transform', data: { when: '1 +' } }], edges: [{ source: 'a', target: 'b' }] })).toEqual(expect.arrayContaining(['edges[0] unknown_step', 'nodes[0].data.when bad_expression']));
    expect(await refused({ steps: [{ key: 'm', type: 'map', config: { items: '$input.list' }, steps: [{ key: 'x', type: 'transform', depends_on: ['y'] }] }] })).toEqual(['steps[0].steps[0].depends_on[0] unknown_step']);
  });

  it('without storing anything when it is only asked for', async () => {
    expect(await ok(send('POST', '/validate', { steps: [{ key: 'a', type: 'transform' }] }))).toEqual({ valid: true, errors: [], step_count: 1 });
    expect(await ok(send('POST', '/validate', { steps: [{ key: 'a', type: 'transform', depends_on: ['a'] }] }))).toMatchObject({ valid: false, errors: [{ field: 'steps[0].depends_on[0]', code: 'cycle' }] });
  });

  it('a schedule that does not parse, a zone that is none, two forms at once', async () => {
    for (const [field, body] of [['schedule', { schedule: 'whenever' }], ['timezone', { schedule: '0 9 * * *', timezone: 'Mars/Olympus' }]] as const) expect([field, (await send('POST', '', { name: 'x', prompt: 'Do.', ...body })).status]).toEqual([field, 422]);
    const cron = { name: 'x', trigger_type: 'cron', steps: [{ key: 'a', type: 'transform' }] };
    for (const more of [{ status: 'draft' }, { is_template: true }]) expect((await send('POST', '', { ...cron, ...more, trigger_config: { expression: 'whenever' } })).status).toBe(422);
    const needs = { type: 'object', required: ['version'] };
    expect((await send<{ errors: unknown[] }>('POST', '', { ...cron, trigger_config: { expression: '@daily' }, input_schema: needs })).body.errors).toMatchObject([{ field: 'input_schema', code: 'schedule' }]);
    expect((await send('POST', '', { name: 'x', steps: [], prompt: 'Do.' })).status).toBe(400);
    expect((await send('POST', '', { name: 'x', steps: [], edges: [] })).status).toBe(400);
  });

  it('ten thousand steps in well under the time of a request', async () => {
    const steps = Array.from({ length: 10_000 }, (_, n) => ({ key: `s${n}`, type: 'transform', ...(n === 0 ? {} : { depends_on: [`s${n - 1}`] }) }));
    expect(await ok(send('POST', '/validate', { steps }))).toMatchObject({ valid: true, step_count: 10_000 });
    expect((await send('POST', '/validate', { steps: [...steps, { key: 'more', type: 'transform' }] })).status).toBe(400);
  });

  it('a workflow that would come to run itself', async () => {
    const inner = await make({ steps: [] });
    const outer = await make({ steps: [{ key: 'run', type: 'workflow', config: { workflow_id: inner.id } }] });
    const { body } = await send<Refusal>('PATCH', `/${inner.id}`, { steps: [{ key: 'back', type: 'workflow', config: { workflow_id: outer.id } }] });
    expect(body).toMatchObject({ code: 'workflow_invalid', errors: [{ field: 'steps[0].config.workflow_id', code: 'recursion' }] });
  });
});

describe('a change', () => {
  it('of what it does makes a version; runs keep theirs; the same again makes none', async () => {
    const made = await make({ steps: [{ key: 'nap', type: 'wait', config: { seconds: 3_600 } }, { key: 'a', type: 'transform', depends_on: ['nap'], config: { output: 'old' } }] });
    const runId = await start(made.id);
    const changed = await ok(send('PATCH', `/${made.id}`, { steps: [{ key: 'a', type: 'transform', config: { output: 'new' } }] }));
    expect(changed).toMatchObject({ version: 2, steps: [{ key: 'a' }] });
    expect(await ok(send('PUT', `/${made.id}`, { steps: changed.steps, name: 'Renamed' }))).toMatchObject({ version: 2, name: 'Renamed' });
    expect(await ended(await start(made.id))).toMatchObject({ version: 2, output: 'new' });
    await withAdmin((admin) => admin.query(`update workflow_steps set due_at = now() where run_id = $1 and path = 'nap'`, [runId]), plane.database.name);
    expect(await ended(runId)).toMatchObject({ version: 1, output: 'old' });
    expect(await ok(send('GET', `/${made.id}/versions`))).toMatchObject({ items: [{ version: 2, step_count: 1 }, { version: 1, step_count: 2 }] });
    expect(await ok(send('GET', `/${made.id}/versions/1`))).toMatchObject({ version: 1, steps: [{ key: 'nap' }, { key: 'a' }] });
  });

  it('at the same time makes each version once, in both processes', async () => {
    const made = await make({ steps: [] });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? plane : second).request<Workflow>('PATCH', `${WORKFLOWS}/${made.id}`, { token: ADMIN_TOKEN, body: { steps: [{ key: 'a', type: 'transform', config: { output: n } }] } })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.map(({ body }) => body.version).toSorted((a, b) => a - b)).toEqual(answers.map((_, n) => n + 2));
    const { body } = await send<{ code: string }>('PATCH', `/${made.id}`, { name: 'y' }, ADMIN_TOKEN, { 'if-match': `"${made.id}.1"` });
    expect(body.code).toBe('precondition_failed');
  });

  it('adds a step behind the others, or where it is told', async () => {
    const made = await make({ name: unique('doc'), description: 'As documented.', config: { any: 'thing' } });
    await ok(send('POST', `/${made.id}/steps`, { name: 'First', step_type: 'transform', config: { output: 1 } }));
    await ok(send('POST', `/${made.id}/steps`, { name: 'Last', step_type: 'transform', config: { output: '{% $steps.first.output + 1 %}' } }));
    const added = await ok(send('POST', `/${made.id}/steps`, { name: 'Aside', step_type: 'transform', order: 1, depends_on: [] }));
    expect(added).toMatchObject({ version: 4, config: { any: 'thing' }, steps: [{ key: 'first' }, { key: 'aside', depends_on: [] }, { key: 'last', depends_on: ['first'] }] });
    expect((await send<Refusal>('POST', `/${made.id}/steps`, { name: 'Bad', step_type: 'transform', depends_on: ['nobody'] })).body.code).toBe('workflow_invalid');
  });
});

describe('a template', () => {
  it('is not run; workflows are made of it, each with its parameters', async () => {
    const parameters = { type: 'object', required: ['greeting'], properties: { greeting: { type: 'string' } } };
    const template = await make({ is_template: true, parameters_schema: parameters, steps: [{ key: 'a', type: 'transform', config: { output: '{% $parameters.greeting & ", " & $input.name %}' } }] });
    expect((await plane.request<{ code: string }>('POST', `${WORKFLOWS}/${template.id}/run`, { token: ADMIN_TOKEN, body: {} })).body.code).toBe('workflow_disabled');
    const { body } = await send<Refusal>('POST', `/${template.id}/instantiate`, { name: 'x', parameters: { greeting: 1 } });
    expect(body).toMatchObject({ code: 'workflow_invalid', errors: [{ field: 'parameters.greeting', code: 'bad_parameters' }] });
    const made = await ok(send('POST', `/${template.id}/instantiate`, { name: unique('made'), parameters: { greeting: 'Good day' } }));
    expect(made).toMatchObject({ is_template: false, template_id: template.id });
    expect(await ended(await start(made.id, { name: 'Ada' }))).toMatchObject({ output: 'Good day, Ada' });
  });
});

describe('a schedule', () => {
  it('starts one run for each tick, whichever process looks, and none once it is off', async () => {
    const made = await make({ steps: [{ key: 'a', type: 'transform' }], schedule: '0 9 * * *', trigger_config: { expression: '0 9 * * *', missed: 'once' } });
    const tick = async (): Promise<void> => {
      await withAdmin((admin) => admin.query(`update cron_ticks set next_at = now() - interval '2 days', due_at = now() - interval '1 second' where owner_id = $1`, [made.id]), plane.database.name);
      await Promise.all([plane, second].map(({ app }) => app.get(CronTicks).round()));
    };
    await tick();
    const runs = async (): Promise<{ started_by: { kind: string } }[]> => (await ok(send<{ items: { started_by: { kind: string } }[] }>('GET', `/${made.id}/runs`))).items;
    await eventually(async () => (await runs()).length === 1);
    expect(await runs()).toMatchObject([{ started_by: { kind: 'schedule', id: made.id } }]);
    await ok(send('PATCH', `/${made.id}`, { status: 'disabled' }));
    await tick();
    expect(await runs()).toHaveLength(1);
  });
});

describe('deleting', () => {
  it('is refused while runs go on, and takes the ended ones along', async () => {
    const made = await make({ steps: [{ key: 'nap', type: 'wait', config: { seconds: 3_600 } }] });
    const runId = await start(made.id);
    expect((await send<{ code: string }>('DELETE', `/${made.id}`)).body.code).toBe('conflict');
    await control(runId, 'cancel');
    await ended(runId);
    expect((await send('DELETE', `/${made.id}`)).status).toBe(204);
    expect((await send('GET', `/${made.id}`)).status).toBe(404);
    expect((await plane.request('GET', `/api/v1/workflow-runs/${runId}`, { token: ADMIN_TOKEN })).status).toBe(404);
  });
});

describe('whoever asks', () => {
  it('finds nothing of another tenant, and may change nothing in the wrong role', async () => {
    const made = await make({ steps: [{ key: 'a', type: 'transform' }] });
    const foreign = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    const client = await createUser(plane, { role: 'client' });
    for (const [method, path, body] of [['GET', '', undefined], ['PATCH', '', { name: 'x' }], ['DELETE', '', undefined], ['POST', '/steps', { name: 'x', step_type: 'transform' }], ['GET', '/versions', undefined], ['GET', '/diagram', undefined]] as const) {
      expect([method, path, (await send(method, `/${made.id}${path}`, body, foreign.token)).status]).toEqual([method, path, 404]);
      expect([method, path, (await send(method, `/${made.id}${path}`, body, client.token)).status]).toEqual([method, path, 403]);
    }
    const theirs = await ok(plane.request<Workflow>('POST', WORKFLOWS, { token: foreign.token, body: { name: 'theirs', steps: [] } }));
    expect(await refused({ steps: [{ key: 'a', type: 'workflow', config: { workflow_id: theirs.id } }] })).toEqual(['steps[0].config.workflow_id unknown_workflow']);
  });

  it('sees it drawn', async () => {
    const made = await make({ steps: [{ key: 'a', name: '<b>', type: 'transform' }] });
    const svg = await fetch(`${plane.url}${WORKFLOWS}/${made.id}/diagram`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect(svg.headers.get('content-type')).toContain('image/svg+xml');
    expect(await svg.text()).toContain('&lt;b&gt;');
    expect((await send<string>('GET', `/${made.id}/diagram?format=mermaid`)).body).toContain('flowchart');
  });
});
