import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { createAgent, createTask } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

const PYTHON = 'python3';
const hasPython = spawnSync(PYTHON, ['--version']).status === 0;

/** The program of the guide, as a reader copies it. */
function programOf(guide: string): string {
  const [, program] = /```python\n([\s\S]*?)```/.exec(guide) ?? [];
  if (program === undefined) throw new Error('The guide shows no program in Python.');
  return program;
}

describe('docs/agent-guide.md', () => {
  let plane: Plane;
  let agent: ChildProcess | undefined;
  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(async () => {
    if (agent?.kill('SIGKILL')) await once(agent, 'exit');
    await plane.stop();
  });

  // Machines without Python read the guide's words alone.
  (hasPython ? it : it.skip)('shows an agent in Python that works, also after it was killed and resumed', async () => {
    const made = await createAgent(plane);
    const first = await createTask(plane, { agent_id: made.id, instructions: 'three small words' });
    const program = programOf(readFileSync('docs/agent-guide.md', 'utf8')).replace('http://127.0.0.1:3000', plane.url);
    agent = spawn(PYTHON, ['-c', program], { env: { PATH: process.env['PATH'], PYTHONUNBUFFERED: '1', WHEELHOUSE_AGENT_TOKEN: made.token }, stdio: ['ignore', 'pipe', 'inherit'] });
    const done = (id: string): Promise<unknown> =>
      eventually(async () => {
        const { body } = await plane.request<{ status: string; result: unknown }>('GET', `/api/v1/tasks/${id}`, { token: ADMIN_TOKEN });
        return body.status === 'completed' ? body.result : undefined;
      });
    expect(await done(first.id)).toEqual({ words: 3 });
    const refused = once(agent.stdout as NonNullable<ChildProcess['stdout']>, 'data');
    for (const verb of ['kill', 'resume']) {
      await plane.request('POST', `/api/v1/agents/${made.id}/${verb}`, { token: ADMIN_TOKEN, body: {} });
      if (verb === 'kill') expect(String(await refused)).toContain('agent_killed');
    }
    expect(await done((await createTask(plane, { agent_id: made.id, instructions: 'two words' })).id)).toEqual({ words: 2 });
  });
});
