import { RequestContext } from '../../src/platform/context/request-context.js';
import { RunArchive } from '../../src/work/workflows/runs/run-archive.service.js';
import { RunStarts } from '../../src/work/workflows/runs/run-starts.service.js';
import { eventually } from '../support/eventually.js';
import { withAdmin } from '../support/databases.js';
import { countingServer } from '../support/counting-server.js';
import { createTenant, createUser, ok, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse } from '../support/plane.js';
import { control, ended, run, RUNS, type Shown, start, step, untilStep, workerOf, workflowOf } from '../support/runs.js';
import { plane, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(() => startTwo({ EGRESS_ALLOW: '127.0.0.1' }, { EGRESS_ALLOW: '127.0.0.1' }));
afterAll(stopTwo);

const ask = <T extends object>(text: string, values: unknown[]): Promise<T[]> => withAdmin(async (admin) => (await admin.query<T>(text, values)).rows, plane.database.name);
const tasksOf = (runId: string): Promise<{ status: string }[]> => ask<{ status: string }>(`select status from tasks where created_by_id = $1`, [`workflow-run:${runId}`]);

describe('what is begun and given up in one transition', () => {
  it('is never made: a branch that another one beat, a step beside one that failed', async () => {
    const agent = await workerOf();
    const task = step('slow', 'task', { config: { title: 'In vain', required_tools: [agent.tool] } });
    const beaten = await workflowOf([step('race', 'parallel', { config: { join: 'any' }, scopes: [{ name: 'a', steps: [task] }, { name: 'b', steps: [step('quick', 'transform')] }] })]);
    const failing = await workflowOf([task, step('bad', 'transform', { config: { output: '{% $error("no") %}' } })]);
    const [first, second] = [await ended(await start(beaten)), await ended(await start(failing))];
    expect([first.status, second.status]).toEqual(['completed', 'failed']);
    expect([await tasksOf(first.id), await tasksOf(second.id)]).toEqual([[], []]);
  });

  it('is never asked for: an approval, a child run', async () => {
    const child = await workflowOf([step('nap', 'wait', { config: { seconds: 3_600 } })]);
    const graph = [step('ask', 'approval', { config: { title: 'In vain?' } }), step('run', 'workflow', { config: { workflow_id: child } }), step('bad', 'transform', { config: { output: '{% $error("no") %}' } })];
    const { id, status } = await ended(await start(await workflowOf(graph)));
    expect(status).toBe('failed');
    expect(await ask('select id from workflow_runs where parent_run_id = $1', [id])).toEqual([]);
    expect(await ask(`select id from approvals where title = 'In vain?'`, [])).toEqual([]);
  });
});

describe('a demand that cannot be read', () => {
  it.each([
    ['approvers that are nobody', { approvers: ['security-team'] }],
    ['approvers by an expression', { approvers: '{% $input.who %}' }],
    ['a number that is a text', { min_approvals: '{% $input.n %}' }],
    ['a risk that there is not', { risk: '{% $input.who %}' }],
  ])('fails its step, and asks nobody: %s', async (_name, config) => {
    const id = await start(await workflowOf([step('ask', 'approval', { config: { title: 'May I?', ...config } })]), { who: 'nobody', n: '2' });
    expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'unprocessable' } });
  });

  it.each([
    ['a wait without an end', step('nap', 'wait', { config: { seconds: '{% $input.n %}' } }), 'bad_input'],
    ['a deadline beyond all calendars', step('work', 'task', { config: { title: 'x', deadline_seconds: '{% $input.n %}' } }), 'unprocessable'],
  ])('fails its step: %s', async (_name, one, code) => {
    expect(await ended(await start(await workflowOf([one]), { n: 1e13 }))).toMatchObject({ status: 'failed', error: { code } });
  });
});

describe('placeholders of secrets', () => {
  it('count where the author of the workflow wrote them, never in what somebody said', async () => {
    const bodies: string[] = [];
    const server = await countingServer();
    server.answer = (request, response) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.end('{}'));
    };
    const call = (body: unknown) => workflowOf([step('call', 'http', { config: { method: 'POST', url: server.url, body } })]);
    const said = await ended(await start(await call({ text: '{% $input.text %}' }), { text: 'see {{secret:CHAT_TOKEN}}' }));
    expect(said.status).toBe('completed');
    expect(bodies.join('')).toContain('secret\u200b:CHAT_TOKEN');
    const composed = await ended(await start(await call({ text: '{{secret:{% $input.name %}}}' }), { name: 'CHAT_TOKEN' }));
    expect(composed).toMatchObject({ status: 'failed', error: { code: 'bad_input' } });
    await server.close();
  });
});

describe('a run that has ended', () => {
  it('hears nothing more, also when its steps are in an archive', async () => {
    const runId = await start(await workflowOf([step('a', 'transform')]));
    await ended(runId);
    await ask(`update workflow_runs set archived_at = now() where id = $1`, [runId]);
    await ask('delete from workflow_steps where run_id = $1', [runId]);
    await ask(`insert into workflow_facts (tenant_id, id, run_id, path, attempt, outcome) select tenant_id, gen_random_uuid(), id, 'a', 1, 'completed' from workflow_runs where id = $1`, [runId]);
    await eventually(async () => (await ask('select 1 from workflow_facts where run_id = $1', [runId])).length === 0);
    expect(await ask('select breakages from workflow_runs where id = $1', [runId])).toEqual([{ breakages: 0 }]);
  });
});

describe('an http step that was undone and is tried again', () => {
  it('carries another key: with the old one the other side would answer what it has taken back', async () => {
    const keys: string[] = [];
    const server = await countingServer();
    server.answer = (request, response) => {
      keys.push(`${request.method ?? ''} ${request.headers['idempotency-key'] ?? ''}`);
      response.statusCode = request.method === 'PATCH' ? 400 : 200;
      response.end('{}');
    };
    const call = (method: string) => ({ method, url: server.url });
    const id = await start(await workflowOf([step('pay', 'http', { config: call('POST'), compensate: { type: 'http', config: call('DELETE') } }), step('ship', 'http', { config: call('PATCH') }, 'pay')]));
    expect((await ended(id)).status).toBe('failed');
    expect((await control(id, 'retry')).status).toBe(200);
    await eventually(() => keys.length === 6);
    await ended(id);
    const [pay, , , again] = keys;
    expect(pay).toBe(`POST ${id}/pay`);
    expect(again).toBe(`POST ${id}/pay#1`);
    expect(new Set(keys.filter((key) => !key.startsWith('PATCH'))).size).toBe(4);
    await server.close();
  });
});

describe('a condition of a wait that never comes to an end', () => {
  it('passes over the events, says so, and fails its step by its own rule; the run goes on', async () => {
    const match = '($f := function($n) { $f($n + 1) }; $f(0))';
    const runId = await start(await workflowOf([step('hear', 'wait', { config: { event: { name: 'board.memory_added', match } }, on_error: 'continue' }), step('after', 'transform', { config: { output: 'on' } }, 'hear')]));
    await untilStep(runId, 'hear', 'waiting');
    const { id: board } = await ok(plane.request<{ id: string }>('POST', '/api/v1/boards', { token: ADMIN_TOKEN, body: { name: unique('board') } }));
    const happens = (): Promise<unknown> => ok(plane.request('POST', `/api/v1/boards/${board}/memory`, { token: ADMIN_TOKEN, body: { content: 'x' } }));
    await happens();
    const shown = await eventually(async () => (await run(runId)).waits.find(({ why }) => why?.includes('took too long')));
    expect(shown.status).toBe('waiting');
    for (let count = 1; count < 10; count += 1) await happens();
    expect(await untilStep(runId, 'hear', 'failed')).toMatchObject({ attempts: [{ error: { code: 'expression_timeout' } }] });
    expect(await ended(runId)).toMatchObject({ status: 'completed', breakage: null });
  }, 40_000);
});

describe('a workflow that is disabled', () => {
  it('has none of its runs begun anew', async () => {
    const workflowId = await workflowOf([step('bad', 'transform', { config: { output: '{% $error("no") %}' } })]);
    const { id } = await ended(await start(workflowId));
    await ok(plane.request('PATCH', `/api/v1/workflows/${workflowId}`, { token: ADMIN_TOKEN, body: { status: 'disabled' } }));
    expect((await control(id, 'retry')).body).toMatchObject({ code: 'workflow_disabled' });
    expect(await run(id)).toMatchObject({ status: 'failed' });
  });
});

describe('who wrote a workflow', () => {
  it.each(['themselves', 'with a key', 'last'])('approves none of the steps of its scheduled runs: %s', async (how) => {
    const author = await createUser(plane, { role: 'admin' });
    const { key } = await ok(plane.request<{ key: string }>('POST', '/api/v1/security/api-keys', { token: author.token, body: { name: unique('key'), scopes: ['workflow:write'] } }));
    const steps = [step('ask', 'approval', { config: { title: 'By the clock?' } })];
    const first = how === 'last' ? ADMIN_TOKEN : how === 'with a key' ? key : author.token;
    const { id } = await ok(plane.request<{ id: string }>('POST', '/api/v1/workflows', { token: first, body: { name: unique('workflow'), steps } }));
    if (how === 'last') await ok(plane.request('PATCH', `/api/v1/workflows/${id}`, { token: author.token, body: { description: 'Mine' } }));
    const runs = plane.app.get(RunStarts);
    const { runId } = await plane.app.get(RequestContext).runAsSystem(author.tenantId, 'test', () => runs.start({ workflowId: id, input: {}, startedBy: { kind: 'schedule', id } }));
    const { waiting_for: approval } = await untilStep(runId, 'ask', 'waiting');
    expect((await plane.request('POST', `/api/v1/approvals/${approval?.id ?? ''}/approve`, { token: author.token, body: {} })).status).toBe(403);
    expect((await control(runId, 'cancel')).status).toBe(200);
    expect((await run(runId)).status).toBe('cancelled');
  });
});

describe('long values of a run', () => {
  const LONG = 'long 😀 '.repeat(12_000);
  const read = <T>(path: string, token = ADMIN_TOKEN): Promise<ApiResponse<T>> => plane.request<T>('GET', path, { token });
  const stepAt = async (id: string, path: string): Promise<Shown> => (await read<Shown>(`${RUNS}/${id}/step?path=${encodeURIComponent(path)}`)).body;
  const told = (name: string): object => ({ truncated: true, characters: [...LONG].length + name.length + 8, start: [...`{"${name}": "${LONG}`].slice(0, 1_000).join('') });

  it('read the same in a table and in an archive: inputs, outputs, what a try that failed was answered', async () => {
    const server = await countingServer();
    server.answer = (_request, response) => response.writeHead(422, { 'content-type': 'application/json' }).end(JSON.stringify({ text: LONG }));
    const copy = step('copy', 'transform', { input: { text: '{% $input.text %}' }, config: { output: { copy: '{% $input.text %}' } } });
    const workflowId = await workflowOf([copy, step('call', 'http', { on_error: 'continue', config: { method: 'POST', url: `${server.url}/hook` } })], { output: { copy: '{% $steps.copy.output.copy %}' } });
    const { id, status } = await ended(await start(workflowId, { text: LONG }));
    await server.close();
    expect(status).toBe('completed');
    for (const path of [`${RUNS}?workflow_id=${workflowId}`, `/api/v1/workflows/${workflowId}/runs`]) expect((await read(path)).body).toMatchObject({ total: 1, items: [{ id, status, input: told('text'), output: told('copy') }] });
    const look = async (): Promise<unknown[]> => [(await read<{ items: Shown[] }>(`${RUNS}/${id}/steps`)).body.items, (await run(id)).steps, await stepAt(id, 'copy'), await stepAt(id, 'call')];
    const stored = await look();
    const steps = [{ path: 'call', attempts: [{ outcome: 'failed', output: { truncated: true } }] }, { path: 'copy', input: told('text'), output: told('copy') }];
    expect(stored).toMatchObject([steps, steps, { input: { text: LONG }, output: { copy: LONG } }, { attempts: [{ output: { body: { text: LONG } } }] }]);
    await ask(`update workflow_runs set ended_at = now() - interval '31 days' where id = $1`, [id]);
    await plane.app.get(RunArchive).archive(new AbortController().signal);
    expect(await look()).toEqual(stored);
  });

  it('are told of where a run waits, and each step is read by its path: no scope, nothing of another tenant', async () => {
    const waiting = await start(await workflowOf([step('nap', 'wait', { input: { text: '{% $input.text %}' }, config: { seconds: 3_600 } })]), { text: LONG });
    await untilStep(waiting, 'nap', 'waiting');
    expect([(await run(waiting)).waits, await stepAt(waiting, 'nap')]).toMatchObject([[{ path: 'nap', input: told('text') }], { input: { text: LONG } }]);
    await control(waiting, 'cancel');
    const made = step('made', 'transform', { config: { output: 1 }, compensate: { type: 'transform', config: { output: 'undone' } } });
    const each = step('each', 'map', { config: { items: [1] }, scopes: [{ name: 'item', steps: [step('a', 'transform')] }] });
    const { id, steps } = await ended(await start(await workflowOf([each, made, step('bad', 'transform', { config: { output: '{% $error("no") %}' } }, 'each', 'made')])));
    expect(steps.some(({ path }) => path.startsWith('~'))).toBe(true);
    for (const one of steps) expect(await stepAt(id, one.path)).toEqual(one);
    const foreign = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    const statuses = ['each/0', 'nothing', 'made', '', 'a//b'].map(async (path) => (await read(`${RUNS}/${id}/step?path=${path}`, path === 'made' ? foreign.token : ADMIN_TOKEN)).status);
    expect(await Promise.all(statuses)).toEqual([404, 404, 404, 400, 400]);
  });
});
