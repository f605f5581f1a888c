import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, ok, type TestAgent, type TestClaim, type TestTask, unique } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { plane, second, startTwo, stopTwo } from '../support/two-planes.js';

const BASE = '/api/v1/circuit-breakers';
let tool: string;
let agent: TestAgent;

beforeAll(() => startTwo());
afterAll(stopTwo);
beforeEach(async () => {
  tool = unique('tool');
  agent = await createAgent(plane, { enabled_tools: [tool, 'plain'], max_concurrent_tasks: 100 });
});

async function breakerOver(target: string, fields: object = {}): Promise<string> {
  const name = unique('breaker');
  await ok(plane.request('POST', BASE, { token: ADMIN_TOKEN, body: { name, target, ...fields } }));
  return name;
}
const force = (name: string, verb: string): Promise<unknown> => ok(plane.request('POST', `${BASE}/${name}/${verb}`, { token: ADMIN_TOKEN, body: {} }));
const stateOf = async (name: string): Promise<string> => (await ok(plane.request<{ state: string }>('GET', `${BASE}/${name}`, { token: ADMIN_TOKEN }))).state;
const needing = (...tools: string[]): Promise<TestTask> => createTask(plane, { required_tools: tools, agent_id: agent.id, max_retries: 0 });
const titles = (claims: readonly TestClaim[]): string[] => claims.map(({ task }) => task.id).toSorted();

function end(how: 'complete' | 'fail' | 'release', { task, lease }: TestClaim): Promise<unknown> {
  return ok(plane.request('POST', `/api/v1/agent/tasks/${task.id}/${how}`, { token: agent.token, body: { fence: lease.fence, ...(how === 'fail' ? { error: 'The tool does not answer.', retryable: false } : {}) } }));
}

/** The time that it stays open is over, and every process looks again. */
async function untilProbe(name: string): Promise<void> {
  await plane.app.get(SystemDatabase).query(`update circuit_breakers set next_probe_at = clock_timestamp() - interval '1 second' where name = $1`, [name]);
  await ok(plane.request('POST', BASE, { token: ADMIN_TOKEN, body: { name, minimum_calls: 10 } }));
}

describe('claims of tasks behind a breaker over a tool', () => {
  it('get what does not need the tool, from every process, and the rest once it is closed', async () => {
    const name = await breakerOver(`tool:${tool}`);
    const [behind, plain] = [await needing(tool, 'plain'), await needing('plain')];
    await force(name, 'force-open');
    expect(titles(await claim(second, agent, { max: 10 }))).toEqual([plain.id]);
    expect(await claim(plane, agent, { max: 10 })).toEqual([]);
    await force(name, 'reset');
    expect(titles(await claim(second, agent, { max: 10 }))).toEqual([behind.id]);
  });

  it('are woken in another process when it closes', async () => {
    const name = await breakerOver(`tool:${tool}`);
    await force(name, 'force-open');
    const { id } = await needing(tool);
    const waiting = claim(second, agent, { wait_seconds: 20 });
    await force(name, 'force-close');
    const start = performance.now();
    expect(titles(await waiting)).toEqual([id]);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it('open it by failing, hand out so many probes as it takes, and close it by completing', async () => {
    const name = await breakerOver(`tool:${tool}`, { failure_threshold: 2, open_seconds: 60 });
    for (let index = 0; index < 6; index += 1) await needing(tool);
    for (const taken of await claim(plane, agent, { max: 2 })) await end('fail', taken);
    await eventually(async () => (await stateOf(name)) === 'open');
    expect(await claim(second, agent, { max: 10 })).toEqual([]);
    await untilProbe(name);
    const claims = (await Promise.all(Array.from({ length: 20 }, (_, index) => claim(index % 2 ? plane : second, agent, { max: 10 })))).flat();
    expect(claims).toHaveLength(1);
    const [probe] = claims as [TestClaim];
    await end('complete', probe);
    await eventually(async () => (await stateOf(name)) === 'closed');
    expect(await claim(second, agent, { max: 10 })).toHaveLength(3);
  });

  it('give the probe to another when the task is given back', async () => {
    const name = await breakerOver(`tool:${tool}`, { failure_threshold: 1, open_seconds: 60 });
    for (let index = 0; index < 3; index += 1) await needing(tool);
    const [first] = await claim(plane, agent);
    await end('fail', first as TestClaim);
    await eventually(async () => (await stateOf(name)) === 'open');
    await untilProbe(name);
    const [probe] = await claim(second, agent, { max: 10 });
    expect(await claim(plane, agent, { max: 10 })).toEqual([]);
    await end('release', probe as TestClaim);
    const again = await eventually(async () => (await claim(plane, agent, { max: 10 }))[0]);
    await end('fail', again);
    await eventually(async () => (await stateOf(name)) === 'open');
  });
});

describe('claims of an agent behind a breaker', () => {
  it('are refused with the time to try again, also those that wait', async () => {
    const name = await breakerOver(`agent:${agent.id}`, { failure_threshold: 1, open_seconds: 60 });
    await needing('plain');
    await end('fail', (await claim(plane, agent))[0] as TestClaim);
    await eventually(async () => (await stateOf(name)) === 'open');
    await needing('plain');
    await needing('plain');
    const ask = (at = plane): Promise<{ status: number; body: { code?: string; retry_at?: string | null } }> => at.request('POST', '/api/v1/agent/tasks/claim', { token: agent.token, body: { max: 10, wait_seconds: 20 } });
    for (const { status, body } of [await ask(plane), await ask(second)]) {
      expect([status, body.code]).toEqual([503, 'circuit_open']);
      expect(Date.parse(body.retry_at ?? '')).toBeGreaterThan(Date.now());
    }
    await untilProbe(name);
    const [probe, ...more] = await claim(second, agent, { max: 10 });
    expect(more).toEqual([]);
    expect((await ask(plane)).status).toBe(503);
    await end('complete', probe as TestClaim);
    await eventually(async () => (await stateOf(name)) === 'closed');
    expect(await claim(plane, agent, { max: 10 })).toHaveLength(1);
  });
});
