import { countingServer } from '../support/counting-server.js';
import { gunzipSync, gzipSync } from 'node:zlib';
import { RunArchive } from '../../src/work/workflows/runs/run-archive.service.js';
import { withAdmin } from '../support/databases.js';
import { TestEventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { claim, createBoard, createTenant, createUser, ok, unique } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { purge, purged } from '../support/purges.js';
import { control, ended, run, RUNS, start, step, stepsOf, untilStep, work, workerOf, workflowOf } from '../support/runs.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

beforeAll(() => startTwo({ EGRESS_ALLOW: '127.0.0.1' }, { EGRESS_ALLOW: '127.0.0.1' }));
afterAll(stopTwo);

describe('a run', () => {
  it('does what needs no waiting at once, and says what came of it', async () => {
    const id = await workflowOf(
      [
        step('sum', 'transform', { config: { output: { total: '{% $input.a + $input.b %}' } } }),
        step('size', 'condition', { config: { branches: [{ name: 'large', when: '$steps.sum.output.total > 10' }], default: 'small' } }, 'sum'),
        step('boast', 'transform', { depends_on: [{ step: 'size', branch: 'large' }], config: { output: '{% "large: " & $steps.sum.output.total %}' } }),
        step('whisper', 'transform', { depends_on: [{ step: 'size', branch: 'small' }], config: { output: 'small' } }),
        step('say', 'transform', { config: { output: '{% $steps.boast.output ? $steps.boast.output : $steps.whisper.output %}' } }, 'boast', 'whisper'),
      ],
      { output: { said: '{% $steps.say.output %}' } },
    );
    const big = await ended(await start(id, { a: 7, b: 8 }));
    expect(big).toMatchObject({ status: 'completed', output: { said: 'large: 15' }, version: 1, started_by: { kind: 'bootstrap' } });
    expect(stepsOf(big)).toEqual({ boast: 'completed', say: 'completed', size: 'completed', sum: 'completed', whisper: 'skipped' });
    expect(await ended(await start(id, { a: 1, b: 2 }))).toMatchObject({ status: 'completed', output: { said: 'small' } });
  });

  it('gives tasks to agents and goes on with what they answer', async () => {
    const agent = await workerOf();
    const id = await workflowOf([
      step('lint', 'task', { config: { title: 'Lint {% $input.file %}', required_tools: [agent.tool] }, output: { warnings: '{% warnings %}' } }),
      step('judge', 'transform', { config: { output: '{% $steps.lint.output.warnings = 0 ? "clean" : "dirty" %}' } }, 'lint'),
    ]);
    const runId = await start(id, { file: 'a.ts' });
    const waiting = await untilStep(runId, 'lint', 'waiting');
    expect(waiting.why).toContain('waits for an agent');
    expect(waiting.waiting_for?.kind).toBe('task');
    expect(await work(agent, { warnings: 0 })).toMatchObject({ title: 'Lint a.ts' });
    const done = await ended(runId);
    expect(done).toMatchObject({ status: 'completed', output: 'clean' });
    expect(done.steps.find(({ path }) => path === 'lint')).toMatchObject({ output: { warnings: 0 }, attempts: [{ attempt: 1, outcome: 'completed', made: { kind: 'task', id: waiting.waiting_for?.id } }] });
  });

  it('is found in lists', async () => {
    const id = await workflowOf([step('a', 'transform')]);
    const runId = await start(id);
    await ended(runId);
    const { items } = await ok(plane.request<{ items: { id: string }[] }>('GET', `/api/v1/workflows/${id}/runs?status=completed`, { token: ADMIN_TOKEN }));
    expect(items.map((item) => item.id)).toEqual([runId]);
    expect((await run(runId)).step_counts).toEqual({ completed: 1 });
  });
});

describe('steps that wait', () => {
  it('wait for people, and hear what they decide', async () => {
    const graph = [step('ask', 'approval', { config: { title: 'Release {% $input.version %}?', min_approvals: 1 } }), step('go', 'transform', { config: { output: '{% $steps.ask.output.status %}' } }, 'ask')];
    const id = await workflowOf(graph);
    const decide = async (runId: string, verb: 'approve' | 'reject', note: string): Promise<void> => {
      const { waiting_for: approval } = await untilStep(runId, 'ask', 'waiting');
      const approver = await createUser(plane, { role: 'admin' });
      await ok(plane.request('POST', `/api/v1/approvals/${approval?.id ?? ''}/${verb}`, { token: approver.token, body: { note } }));
    };
    const yes = await start(id, { version: '1.4' });
    await decide(yes, 'approve', 'Fine.');
    expect(await ended(yes)).toMatchObject({ status: 'completed', output: 'approved' });
    const no = await start(id, { version: '1.5' });
    await decide(no, 'reject', 'Not today.');
    expect(await ended(no)).toMatchObject({ status: 'failed', error: { code: 'approval_rejected', message: 'ask: Not today.' } });
  });

  it('are not decided by who started the run', async () => {
    const [person, other] = [await createUser(plane, { role: 'admin' }), await createUser(plane, { role: 'admin' })];
    const runId = await start(await workflowOf([step('ask', 'approval', { config: { title: 'Mine?' } })]), {}, person.token);
    const { waiting_for: approval } = await untilStep(runId, 'ask', 'waiting');
    const path = `/api/v1/approvals/${approval?.id ?? ''}/approve`;
    expect((await plane.request('POST', path, { token: person.token, body: {} })).status).toBe(403);
    await ok(plane.request('POST', path, { token: other.token, body: {} }));
    expect((await ended(runId)).status).toBe('completed');
  });

  it('wait for a time, and for an event that fits', async () => {
    const board = await createBoard(plane);
    const id = await workflowOf([
      step('nap', 'wait', { config: { seconds: 0.3 } }),
      step('memory', 'wait', { config: { event: { name: 'board.*', match: 'data.board_id = $input.board' } }, output: '{% data.memory_id %}' }),
    ]);
    const runId = await start(id, { board: board.id });
    await untilStep(runId, 'memory', 'waiting');
    const other = await createBoard(plane);
    const note = async (boardId: string): Promise<{ id: string }> => ok(plane.request<{ id: string }>('POST', `/api/v1/boards/${boardId}/memory`, { token: ADMIN_TOKEN, body: { content: 'Noted.' } }));
    await note(other.id);
    const meant = await note(board.id);
    expect(await ended(runId)).toMatchObject({ status: 'completed', output: { memory: meant.id, nap: null } });
  });

  it('hear no event that only administrators or one person may see', async () => {
    const runId = await start(await workflowOf([
      ...['circuit_breaker.*', 'notification.*'].map((name, index) => step(`secret${index}`, 'wait', { config: { event: { name, timeout_seconds: 600 } } })),
      step('seen', 'wait', { config: { event: { name: 'board.memory_added' } } }),
    ]));
    for (const path of ['secret0', 'secret1', 'seen']) await untilStep(runId, path, 'waiting');
    const name = unique('breaker');
    await ok(plane.request('POST', '/api/v1/circuit-breakers', { token: ADMIN_TOKEN, body: { name, target: `tool:${name}` } }));
    await ok(plane.request('POST', `/api/v1/circuit-breakers/${name}/force-open`, { token: ADMIN_TOKEN, body: {} }));
    await eventually(async () => (await ok(plane.request<{ items: { title: string }[] }>('GET', '/api/v1/notifications', { token: ADMIN_TOKEN }))).items.some(({ title }) => title.includes(name)));
    const board = await createBoard(plane);
    await ok(plane.request('POST', `/api/v1/boards/${board.id}/memory`, { token: ADMIN_TOKEN, body: { content: 'Noted.' } }));
    await untilStep(runId, 'seen', 'completed');
    for (const path of ['secret0', 'secret1']) expect((await untilStep(runId, path, 'waiting')).status).toBe('waiting');
    await control(runId, 'cancel', {});
  });

  it('call what is outside, with the same key each time, and try again what may pass', async () => {
    const answers = [503, 200];
    const keys: string[] = [];
    const server = await countingServer();
    server.answer = (request, response) => {
      keys.push(String(request.headers['idempotency-key']));
      response.writeHead(answers.shift() ?? 200, { 'content-type': 'application/json' }).end('{"said": "hello\\u0000"}');
    };
    const retry = { attempts: 3, backoff: 'fixed' as const, delay_seconds: 0.05, max_delay_seconds: 1, jitter: false };
    const id = await workflowOf([step('call', 'http', { retry, config: { method: 'POST', url: `${server.url}/hook`, body: { who: '{% $input.who %}' } }, output: '{% body.said %}' })]);
    const done = await ended(await start(id, { who: 'me' }));
    expect(done).toMatchObject({ status: 'completed', output: 'hello\ufffd' });
    expect(done.steps[0]?.attempts).toMatchObject([{ attempt: 1, outcome: 'failed', error: { code: 'http_503' }, output: { status: 503 } }, { attempt: 2, outcome: 'completed' }]);
    expect(keys).toEqual([`${done.id}/call`, `${done.id}/call`]);
    await server.close();
  });

  it('run other workflows, and are cancelled with what waits for them', async () => {
    const agent = await workerOf();
    const child = await workflowOf([step('do', 'task', { config: { title: 'Do', required_tools: [agent.tool] } })], { output: { done: '{% $steps.do.output.n %}' } });
    const parent = await workflowOf([step('part', 'workflow', { config: { workflow_id: child }, input: { n: 1 } })], { output: '{% $steps.part.output.done %}' });
    const first = await start(parent);
    await work(agent, { n: 5 });
    expect(await ended(first)).toMatchObject({ status: 'completed', output: 5 });
    const second = await start(parent);
    const { waiting_for: part } = await untilStep(second, 'part', 'waiting');
    const { waiting_for: task } = await untilStep(part?.id ?? '', 'do', 'waiting');
    expect((await control(second, 'cancel', { reason: 'Enough.' })).body).toMatchObject({ status: 'cancelled', error: { message: 'Enough.' } });
    expect(await ended(part?.id ?? '')).toMatchObject({ status: 'cancelled' });
    expect(await ok(plane.request('GET', `/api/v1/tasks/${task?.id ?? ''}`, { token: ADMIN_TOKEN }))).toMatchObject({ status: 'cancelled' });
    expect((await control(second, 'cancel')).body).toMatchObject({ code: 'run_final' });
  });

  it('tell people in the application', async () => {
    const person = await createUser(plane);
    const runId = await start(await workflowOf([step('tell', 'notify', { config: { title: 'Done with {% $input.what %}', to: [person.id], severity: 'warning' } })]), { what: 'it' });
    await ended(runId);
    const { items } = await ok(plane.request<{ items: object[] }>('GET', '/api/v1/notifications', { token: person.token }));
    expect(items).toMatchObject([{ title: 'Done with it', severity: 'warning' }]);
  });
});

describe('what people do with a run', () => {
  it('pauses it: what runs may end, nothing new starts until it is resumed', async () => {
    const agent = await workerOf();
    const id = await workflowOf([step('a', 'task', { config: { title: 'A', required_tools: [agent.tool] } }), step('b', 'task', { config: { title: 'B', required_tools: [agent.tool] } }, 'a')]);
    const runId = await start(id);
    await untilStep(runId, 'a', 'waiting');
    expect((await control(runId, 'pause')).body).toMatchObject({ status: 'paused' });
    expect((await control(runId, 'pause')).body).toMatchObject({ code: 'invalid_transition' });
    await work(agent);
    expect(await untilStep(runId, 'b', 'ready')).toMatchObject({ why: 'The run is paused.' });
    expect((await control(runId, 'resume')).body).toMatchObject({ status: 'running' });
    await work(agent);
    expect((await ended(runId)).status).toBe('completed');
  });

  it('cancels it: what was done is undone, the last first, and an agent that works on it loses its lease', async () => {
    const agent = await workerOf();
    const undo = (what: string) => ({ type: 'task' as const, config: { title: `undo ${what}`, required_tools: [agent.tool] } });
    const task = (key: string, ...after: string[]) => step(key, 'task', { config: { title: key, required_tools: [agent.tool] }, compensate: undo(key) }, ...after);
    const runId = await start(await workflowOf([task('a'), task('b', 'a'), task('c', 'b')]));
    await work(agent);
    await work(agent);
    await untilStep(runId, 'c', 'waiting');
    const held = (await eventually(async () => (await claim(plane, agent))[0]));
    expect((await control(runId, 'cancel', { reason: 'Stop.' })).body).toMatchObject({ status: 'compensating' });
    expect((await plane.request('POST', `/api/v1/agent/tasks/${held.task.id}/complete`, { token: agent.token, body: { fence: held.lease.fence } })).body).toMatchObject({ code: 'lease_lost' });
    expect(await work(agent)).toMatchObject({ title: 'undo b' });
    expect(await work(agent)).toMatchObject({ title: 'undo a' });
    expect(await ended(runId)).toMatchObject({ status: 'cancelled', error: { message: 'Stop.' } });
  });

  it('retries it from where it failed', async () => {
    const agent = await workerOf();
    const task = (key: string, ...after: string[]) => step(key, 'task', { config: { title: key, required_tools: [agent.tool], max_retries: 0 } }, ...after);
    const runId = await start(await workflowOf([task('a'), task('b', 'a')]));
    await work(agent);
    const held = await eventually(async () => (await claim(plane, agent))[0]);
    await ok(plane.request('POST', `/api/v1/agent/tasks/${held.task.id}/fail`, { token: agent.token, body: { fence: held.lease.fence, error: 'It broke.', retryable: false } }));
    expect(await ended(runId)).toMatchObject({ status: 'failed', error: { code: 'task_failed', message: 'b: It broke.' } });
    expect((await control(runId, 'retry')).body).toMatchObject({ status: 'running', error: null });
    expect(await work(agent)).toMatchObject({ title: 'b' });
    const done = await ended(runId);
    expect(done.status).toBe('completed');
    expect(done.steps.find(({ path }) => path === 'b')?.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[1, 'failed'], [2, 'completed']]);
  });
});

describe('many', () => {
  it('items are worked on so many at a time, and come out in their order', async () => {
    const id = await workflowOf([step('each', 'map', { config: { items: '{% $input.numbers %}', concurrency: 5 }, scopes: [{ name: 'item', steps: [step('double', 'transform', { config: { output: '{% $item * 2 %}' } }), step('tag', 'transform', { config: { output: '{% $index & ":" & $steps.double.output %}' } }, 'double')] }] })]);
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    const done = await ended(await start(id, { numbers }));
    expect(done).toMatchObject({ status: 'completed', output: numbers.map((n) => `${n}:${2 * n}`) });
    expect(done.steps.find(({ path }) => path === 'each')).toMatchObject({ scopes: { open: 0, completed: 60, failed: 0 } });
    const page = await ok(plane.request<{ items: { path: string }[]; total: number; next_cursor: string }>('GET', `/api/v1/workflow-runs/${done.id}/steps?under=each/7&limit=1`, { token: ADMIN_TOKEN }));
    expect(page).toMatchObject({ total: 2, items: [{ path: 'each/7/double' }] });
    const rest = await ok(plane.request<{ items: { path: string }[] }>('GET', `/api/v1/workflow-runs/${done.id}/steps?under=each/7&cursor=${page.next_cursor}`, { token: ADMIN_TOKEN }));
    expect(rest.items.map(({ path }) => path)).toEqual(['each/7/tag']);
  });

  it('requests with one key start one run, in both processes', async () => {
    const id = await workflowOf([step('a', 'transform')]);
    const key = unique('key');
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? plane : second).request<{ run_id: string }>('POST', `/api/v1/workflows/${id}/run`, { token: ADMIN_TOKEN, body: {}, headers: { 'idempotency-key': key } })));
    const ids = new Set(answers.filter(({ status }) => status === 202).map(({ body }) => body.run_id));
    expect(ids.size).toBe(1);
    expect(answers.every(({ status }) => status === 202 || status === 409)).toBe(true);
    const { items } = await ok(plane.request<{ items: object[] }>('GET', `/api/v1/workflows/${id}/runs`, { token: ADMIN_TOKEN }));
    expect(items).toHaveLength(1);
  });
});

describe('whoever looks at a run', () => {
  it('sees it drawn, each step in its state', async () => {
    const done = await ended(await start(await workflowOf([step('each', 'map', { config: { items: [1, 2] }, scopes: [{ name: 'item', steps: [step('a', 'transform')] }] }), step('b', 'transform', { when: 'false' }, 'each')])));
    const { body } = await plane.request<string>('GET', `${RUNS}/${done.id}/diagram?format=mermaid`, { token: ADMIN_TOKEN });
    expect(body).toContain('flowchart TD');
    expect(body).toMatch(/class n\d(,n\d)* completed/);
    expect(body).toMatch(/class n\d skipped/);
    const svg = await fetch(`${plane.url}${RUNS}/${done.id}/diagram`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect(svg.headers.get('content-type')).toContain('image/svg+xml');
    expect(await svg.text()).toContain('transform · skipped');
  });

  it('follows it as it goes on', async () => {
    const agent = await workerOf();
    const runId = await start(await workflowOf([step('a', 'task', { config: { title: 'A', required_tools: [agent.tool] } })]));
    const stream = await TestEventSource.open(plane, `${RUNS}/${runId}/stream`, ADMIN_TOKEN);
    await work(agent);
    await eventually(() => stream.heard.some(({ event, data }) => event === 'workflow.run' && data['status'] === 'completed'));
    expect(stream.heard.map(({ event, data }) => [event, data['status']])).toContainEqual(['workflow.step', 'completed']);
    stream.close();
    expect((await plane.request('GET', `${RUNS}/${runId}/stream`, { token: (await createUser(plane, { tenant: (await createTenant(plane)).id, role: 'admin' })).token })).status).toBe(404);
  });

  it('finds nothing in another tenant, and may do nothing in the wrong role', async () => {
    const workflowId = await workflowOf([step('a', 'transform')]);
    const runId = await start(workflowId);
    const [foreign, client] = [await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id }), await createUser(plane, { role: 'client' })];
    for (const [method, path] of [['GET', `${RUNS}/${runId}`], ['GET', `${RUNS}/${runId}/steps`], ['POST', `${RUNS}/${runId}/cancel`], ['POST', `/api/v1/workflows/${workflowId}/run`], ['GET', `/api/v1/workflows/${workflowId}/runs`]] as const) {
      expect([path, (await plane.request(method, path, { token: foreign.token, ...(method === 'POST' ? { body: {} } : {}) })).status]).toEqual([path, 404]);
      expect([path, (await plane.request(method, path, { token: client.token, ...(method === 'POST' ? { body: {} } : {}) })).status]).toEqual([path, 403]);
    }
  });

  it('is told what is wrong with an input, and that a disabled workflow starts nothing', async () => {
    const workflowId = await workflowOf([step('a', 'transform')], { input_schema: { type: 'object', required: ['version'], properties: { version: { type: 'string' } } } });
    const answer = await plane.request<{ code: string; errors: { field: string }[] }>('POST', `/api/v1/workflows/${workflowId}/run`, { token: ADMIN_TOKEN, body: { input: { version: 1 } } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'workflow_input_invalid', errors: [{ field: 'input.version' }] } });
    await withAdmin((admin) => admin.query(`update workflows set status = 'disabled' where id = $1`, [workflowId]), plane.database.name);
    expect((await plane.request('POST', `/api/v1/workflows/${workflowId}/run`, { token: ADMIN_TOKEN, body: { input: { version: '1' } } })).body).toMatchObject({ code: 'workflow_disabled' });
  });

  it('reads a run that was archived as before, and can go on with it', async () => {
    const runId = await start(await workflowOf([step('a', 'transform', { config: { output: { n: 1 } } }), step('b', 'transform', { config: { output: '{% $error("no") %}' } }, 'a')]));
    const before = await ended(runId);
    expect(before.status).toBe('failed');
    await withAdmin((admin) => admin.query(`update workflow_runs set ended_at = now() - interval '31 days' where id = $1`, [runId]), plane.database.name);
    await plane.app.get(RunArchive).archive(new AbortController().signal);
    // As one was written before steps knew of `undone_tries`.
    await withAdmin(async (admin) => {
      const content = (await admin.query<{ content: Buffer }>('select content from workflow_run_archives where run_id = $1', [runId])).rows[0]?.content ?? Buffer.alloc(0);
      const archived = JSON.parse(gunzipSync(content).toString()) as { steps: { undone_tries?: number }[] };
      for (const row of archived.steps) delete row.undone_tries;
      await admin.query('update workflow_run_archives set content = $2 where run_id = $1', [runId, gzipSync(JSON.stringify(archived))]);
    }, plane.database.name);
    const left = await withAdmin(async (admin) => (await admin.query<{ n: number }>('select count(*)::int as n from workflow_steps where run_id = $1', [runId])).rows[0]?.n, plane.database.name);
    expect(left).toBe(0);
    const after = await run(runId);
    expect({ ...after, ended_at: before['ended_at'] }).toEqual(before);
    expect((await control(runId, 'retry')).status).toBe(200);
    expect((await ended(runId)).steps.find(({ path }) => path === 'b')?.attempts).toHaveLength(2);
  });
});

describe('the archive', () => {
  it('takes every run that it can, and says which one it cannot', async () => {
    const id = await workflowOf([step('a', 'transform')]);
    const [broken, whole] = [await start(id), await start(id)];
    await Promise.all([ended(broken), ended(whole)]);
    await withAdmin(async (admin) => {
      await admin.query(`update workflow_runs set ended_at = now() - interval '31 days' where id = any($1)`, [[broken, whole]]);
      await admin.query(`insert into workflow_run_archives (tenant_id, run_id, agents) select tenant_id, id, '{}' from workflow_runs where id = $1`, [broken]);
    }, plane.database.name);
    await expect(plane.app.get(RunArchive).archive(new AbortController().signal)).rejects.toThrow(broken);
    const archived = await withAdmin(async (admin) => (await admin.query<{ id: string }>('select id from workflow_runs where workflow_id = $1 and archived_at is not null', [id])).rows, plane.database.name);
    expect(archived).toEqual([{ id: whole }]);
    await withAdmin((admin) => admin.query('delete from workflow_run_archives where run_id = $1', [broken]), plane.database.name);
  });
});

describe('a value that is long', () => {
  it('is only told of in lists, and read with its step or run, archived or not', async () => {
    const agent = await workerOf();
    const text = 'long '.repeat(20_000);
    const id = await workflowOf([step('write', 'task', { config: { title: 'Write', required_tools: [agent.tool] } }), step('use', 'transform', { config: { output: '{% $steps.write.output %}' } }, 'write')]);
    const runId = await start(id);
    await work(agent, { text });
    await ended(runId);
    const told = { truncated: true, characters: expect.any(Number) as number, start: expect.stringMatching(/^\{"text": ?"long long/) as string };
    const get = async <T>(path: string): Promise<T> => ok(plane.request<T>('GET', `${RUNS}${path}`, { token: ADMIN_TOKEN }));
    const check = async (): Promise<void> => {
      const { output, steps } = await run(runId);
      expect([output, ...steps.map(({ output: of }) => of)]).toEqual([{ text }, told, told]);
      expect((await get<{ items: { output: unknown }[] }>(`/${runId}/steps`)).items.map(({ output: of }) => of)).toEqual([told, told]);
      expect((await get<{ items: { id: string; output: unknown; status: string }[] }>(`?workflow_id=${id}`)).items).toEqual([expect.objectContaining({ id: runId, status: 'completed', output: told })]);
      expect(await get(`/${runId}/step?path=write`)).toMatchObject({ path: 'write', key: 'write', output: { text }, attempts: [{ attempt: 1, outcome: 'completed' }] });
      expect((await plane.request('GET', `${RUNS}/${runId}/step?path=nowhere`, { token: ADMIN_TOKEN })).status).toBe(404);
      expect((await plane.request('GET', `${RUNS}/${runId}/step`, { token: ADMIN_TOKEN })).status).toBe(400);
    };
    await check();
    await withAdmin((admin) => admin.query(`update workflow_runs set ended_at = now() - interval '31 days' where id = $1`, [runId]), plane.database.name);
    await plane.app.get(RunArchive).archive(new AbortController().signal);
    await check();
  });
});

describe('purging an agent', () => {
  it('takes what it said out of the runs that it worked in, archived or not, and leaves what the run was given', async () => {
    const agent = await workerOf();
    const id = await workflowOf([step('write', 'task', { config: { title: 'Write', required_tools: [agent.tool] } }), step('use', 'transform', { config: { output: '{% "it said " & $steps.write.output.text %}' } }, 'write')]);
    const runs = [await start(id, { topic: 'tides' }), await start(id, { topic: 'tides' })] as const;
    // Whichever of the tasks comes first.
    for (const _ of runs) await work(agent, { text: 'a secret of its own' });
    for (const runId of runs) expect(JSON.stringify(await ended(runId))).toContain('a secret of its own');
    await withAdmin((admin) => admin.query(`update workflow_runs set ended_at = now() - interval '31 days' where id = $1`, [runs[0]]), plane.database.name);
    await plane.app.get(RunArchive).archive(new AbortController().signal);
    const { body } = await purge(ADMIN_TOKEN, 'agent', agent.id);
    await purged(ADMIN_TOKEN, body.id);
    const left = await Promise.all(runs.map((runId) => plane.request('GET', `${RUNS}/${runId}`, { token: ADMIN_TOKEN })));
    expect(left.map(({ status }) => status)).toEqual([410, 200]);
    const { items } = await ok(plane.request<{ items: unknown[] }>('GET', `/api/v1/workflows/${id}/runs`, { token: ADMIN_TOKEN }));
    for (const shown of [left, items]) expect(JSON.stringify(shown)).not.toContain('a secret of its own');
    expect(left[1]?.body).toMatchObject({ status: 'completed', input: { topic: 'tides' }, output: null });
  });
});
