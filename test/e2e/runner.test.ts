import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

interface Task {
  id: string;
  status: string;
  result: unknown;
  error: string | null;
  attempts: number;
  claimed_by: string | null;
}

/** Waits until the answer satisfies, for at most 20 s. */
async function eventually<T>(ask: () => Promise<T>, satisfies: (answer: T) => boolean): Promise<T> {
  const limit = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (satisfies(answer)) return answer;
    if (Date.now() > limit) throw new Error(`still ${JSON.stringify(answer)}`);
    await sleep(30);
  }
}

describe('wheelhouse-agent', () => {
  let plane: Plane;
  let folder: string;
  const runners: ChildProcess[] = [];
  beforeAll(async () => {
    plane = await startPlane({ environment: { HEARTBEAT_SECONDS: '1' } });
  });
  afterAll(() => plane.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wheelhouse-runner-'));
  });
  afterEach(async () => {
    for (const runner of runners.splice(0)) {
      if (runner.exitCode !== null || runner.signalCode !== null) continue;
      runner.kill('SIGKILL');
      await once(runner, 'exit');
    }
    rmSync(folder, { recursive: true });
  });

  const post = async <T>(path: string, body: object = {}): Promise<T> => {
    const answer = await plane.request<T>('POST', `/api/v1${path}`, { token: ADMIN_TOKEN, body });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  let number = 0;
  const makeAgent = (): Promise<{ id: string; token: string }> => post('/agents', { name: `Runner ${++number}` });
  const makeTask = (agent: { id: string }, more: object = {}): Promise<Task> =>
    post('/tasks', { title: 'A task', agent_id: agent.id, ...more });
  const read = async (task: Task): Promise<Task> =>
    (await plane.request<Task>('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN })).body;
  const became = (task: Task, status: string): Promise<Task> =>
    eventually(
      () => read(task),
      (now) => now.status === status,
    );
  const fileExists = (name: string): Promise<boolean> => eventually(async () => Promise.resolve(existsSync(join(folder, name))), Boolean);

  const start = (token: string, command: string, ...flags: string[]): ChildProcess => startWith([], token, command, ...flags);

  function startWith(before: readonly string[], token: string, command: string, ...flags: string[]): ChildProcess {
    const { WHEELHOUSE_AGENT_TOKEN: _token, ...environment } = process.env;
    const runner = spawn(
      process.execPath,
      [...before, join('clients', 'runner', 'wheelhouse-agent.mjs'), '--url', plane.url, '--exec', command, '--lease', '5', '--wait', '2', '--grace', '1', ...flags],
      {
        env: { ...environment, ...(token === '' ? {} : { WHEELHOUSE_AGENT_TOKEN: token }) },
        stdio: ['ignore', 'ignore', process.env['TEST_RUNNER_LOG'] ? 'inherit' : 'ignore'],
      },
    );
    runners.push(runner);
    return runner;
  }

  it('fills in the secrets of a payload, which the plane never does, and fails a task whose secret is refused', async () => {
    const agent = await makeAgent();
    const secret = await post<{ id: string }>('/secrets', { name: 'RUNNER_KEY', value: 'a "quoted" value' });
    const { id: grantId } = await post<{ id: string }>(`/secrets/${secret.id}/grants`, { agent_id: agent.id });
    start(agent.token, 'node -e "process.stdin.toArray().then((b) => console.log(JSON.parse(Buffer.concat(b)).payload.auth.length))"');
    const task = await makeTask(agent, { payload: { auth: 'Bearer {{secret:RUNNER_KEY}}' } });
    expect(await became(task, 'completed')).toMatchObject({ result: 'Bearer a "quoted" value'.length, payload: { auth: 'Bearer {{secret:RUNNER_KEY}}' } });
    await plane.request('DELETE', `/api/v1/secrets/${secret.id}/grants/${grantId}`, { token: ADMIN_TOKEN });
    const refused = await makeTask(agent, { payload: '{{secret:RUNNER_KEY}}' });
    expect(await became(refused, 'dead_letter')).toMatchObject({ error: 'the secret RUNNER_KEY was refused: secret_not_granted' });
  });

  it('makes an agent of a shell command: results, failures, and retries until the dead letter', async () => {
    const agent = await makeAgent();
    const good = await makeTask(agent, { payload: { n: 3 } });
    const bad = await makeTask(agent, { title: 'bad', max_retries: 0 });
    start(
      agent.token,
      `task=$(cat); case "$task" in *'"title":"bad"'*) echo no luck >&2; exit 3;; *) echo "{\\"fence\\": $WHEELHOUSE_FENCE}";; esac`,
    );
    expect(await became(good, 'completed')).toMatchObject({ result: { fence: 1 }, attempts: 1 });
    expect(await became(bad, 'dead_letter')).toMatchObject({ error: 'exit code 3: no luck' });
  });

  it('does several at a time, as many as it is told', async () => {
    const agent = await makeAgent();
    const tasks = await Promise.all([1, 2, 3].map(() => makeTask(agent)));
    start(agent.token, `touch ${folder}/$WHEELHOUSE_TASK_ID; while [ ! -e ${folder}/go ]; do sleep 0.05; done`, '--concurrency', '2');
    const running = (): number => tasks.filter((task) => existsSync(join(folder, task.id))).length;
    await eventually(
      async () => Promise.resolve(running()),
      (count) => count === 2,
    );
    const held = await plane.request<{ total: number }>('GET', `/api/v1/tasks?claimed_by=${agent.id}&status=in_progress`, {
      token: ADMIN_TOKEN,
    });
    expect(held.body.total).toBe(2);
    writeFileSync(join(folder, 'go'), '');
    for (const task of tasks) await became(task, 'completed');
  });

  it('keeps a lease for longer than it lasts, by renewing it', async () => {
    const agent = await makeAgent();
    const task = await makeTask(agent);
    start(agent.token, 'sleep 7; echo 1');
    expect(await became(task, 'completed')).toMatchObject({ attempts: 1, result: 1 });
  });

  it('stops the command of a task that was cancelled', async () => {
    const agent = await makeAgent();
    const task = await makeTask(agent);
    start(agent.token, `trap "touch ${folder}/stopped; exit" TERM; touch ${folder}/started; while :; do sleep 0.05; done`);
    await fileExists('started');
    await post(`/tasks/${task.id}/cancel`);
    await fileExists('stopped');
    expect(await read(task)).toMatchObject({ status: 'cancelled' });
  });

  it('obeys pause and resume', async () => {
    const agent = await makeAgent();
    start(agent.token, 'cat > /dev/null');
    await became(await makeTask(agent), 'completed');
    await post(`/agents/${agent.id}/pause`);
    const waiting = await makeTask(agent);
    await sleep(1_500);
    expect(await read(waiting)).toMatchObject({ status: 'queued', attempts: 0 });
    await post(`/agents/${agent.id}/resume`);
    await became(waiting, 'completed');
  });

  it('stops at once when killed, and works again when resumed', async () => {
    const agent = await makeAgent();
    const task = await makeTask(agent);
    start(
      agent.token,
      `echo $$ > ${folder}/new; mv ${folder}/new ${folder}/pid; trap '' TERM; while [ ! -e ${folder}/go ]; do sleep 0.05; done`,
    );
    await fileExists('pid');
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim();
    await post(`/agents/${agent.id}/kill`);
    await eventually(
      async () => Promise.resolve(existsSync(`/proc/${pid}`)),
      (alive) => !alive,
    );
    expect(await read(task)).toMatchObject({ status: 'queued', claimed_by: null });
    writeFileSync(join(folder, 'go'), '');
    await post(`/agents/${agent.id}/resume`);
    await became(task, 'completed');
  });

  it('finishes what runs on SIGTERM, and gives it back on a second one', async () => {
    const agent = await makeAgent();
    const first = await makeTask(agent);
    const draining = start(agent.token, `touch ${folder}/first; while [ ! -e ${folder}/go ]; do sleep 0.05; done`);
    await fileExists('first');
    const ended = once(draining, 'exit');
    draining.kill('SIGTERM');
    const second = await makeTask(agent);
    writeFileSync(join(folder, 'go'), '');
    expect(await ended).toEqual([0, null]);
    expect(await read(first)).toMatchObject({ status: 'completed' });
    expect(await read(second)).toMatchObject({ status: 'queued', attempts: 0 });
    const impatient = start(agent.token, `touch ${folder}/second; sleep 60`);
    await fileExists('second');
    const gone = once(impatient, 'exit');
    impatient.kill('SIGTERM');
    await sleep(200);
    impatient.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    expect(await read(second)).toMatchObject({ status: 'queued', attempts: 0, claimed_by: null });
  });

  it('works under a Node.js that runs no TypeScript, and ends with it', async () => {
    const agent = await makeAgent();
    const task = await makeTask(agent);
    const older = startWith(['--no-experimental-strip-types'], agent.token, `touch ${folder}/$WHEELHOUSE_FENCE; sleep 60`);
    await fileExists('1');
    older.kill('SIGKILL');
    // Given back, not run out: that attempt would count.
    expect(await became(task, 'queued')).toMatchObject({ attempts: 0 });
    const again = startWith(['--no-experimental-strip-types'], agent.token, 'true');
    await became(task, 'completed');
    const ended = once(again, 'exit');
    again.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('takes a rotated token from its file', async () => {
    const agent = await makeAgent();
    const file = join(folder, 'token');
    writeFileSync(file, agent.token);
    start('', 'cat > /dev/null', '--token-file', file);
    await became(await makeTask(agent), 'completed');
    const rotated = await post<{ token: string }>(`/agents/${agent.id}/rotate-token`, { overlap_seconds: 0 });
    writeFileSync(file, rotated.token);
    await became(await makeTask(agent), 'completed');
  });

  it('says in one line that its token is wrong', async () => {
    const [code] = (await once(start(`wha_${'x'.repeat(40)}`, 'true'), 'exit')) as [number];
    expect(code).toBe(1);
  });
});
