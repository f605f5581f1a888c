import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { claim, createAgent, createTask, ok, type TestAgent, type TestClaim, unique } from '../support/factories.js';
import { type Environment, Launcher, type Program } from '../support/processes.js';
import { ADMIN_TOKEN, JWT_SECRET, type RunningPlane } from '../support/requests.js';

const PROBES = 3;

/** Four processes of the built program on one database. */
describe('circuit breakers in four processes', () => {
  const launcher = new Launcher();
  const tool = unique('tool');
  let database: TestDatabase;
  let environment: Environment;
  let programs: Program[];
  let planes: RunningPlane[];
  let agent: TestAgent;

  const asPlane = (program: Program): RunningPlane => ({ url: program.url, database, request: (method, path, options) => program.request(method, path, options), stop: () => program.kill() });
  const post = (path: string, body: object = {}, at = 0): Promise<{ state: string }> => ok((planes[at] as RunningPlane).request<{ state: string }>('POST', `/api/v1/circuit-breakers${path}`, { token: ADMIN_TOKEN, body }));
  const stateOf = async (at: number): Promise<string> => (await ok((planes[at] as RunningPlane).request<{ state: string }>('GET', '/api/v1/circuit-breakers/tool', { token: ADMIN_TOKEN }))).state;
  const claims = async (each: number): Promise<TestClaim[]> => (await Promise.all(planes.flatMap((plane) => Array.from({ length: each }, () => claim(plane, agent, { max: 5 }))))).flat();
  const end = (how: 'complete' | 'fail', { task, lease }: TestClaim): Promise<unknown> =>
    ok((planes[1] as RunningPlane).request('POST', `/api/v1/agent/tasks/${task.id}/${how}`, { token: agent.token, body: { fence: lease.fence, ...(how === 'fail' ? { error: 'no', retryable: false } : {}) } }));

  beforeAll(async () => {
    database = await createDatabase();
    environment = { DATABASE_URL: database.url, DATABASE_POOL: '8', WHEELHOUSE_DATA: await launcher.dataFolder(), ADMIN_TOKEN, JWT_SECRET };
    programs = await Promise.all(Array.from({ length: 4 }, () => launcher.start(environment).ready()));
    planes = programs.map(asPlane);
    agent = await createAgent(planes[0] as RunningPlane, { enabled_tools: [tool], max_concurrent_tasks: 1_000 });
    await post('', { name: 'tool', target: `tool:${tool}`, failure_threshold: 1, open_seconds: 3_600, half_open_max: PROBES, success_threshold: PROBES });
    for (let index = 0; index < 60; index += 1) await createTask(planes[0] as RunningPlane, { required_tools: [tool], max_retries: 0 });
  }, 90_000);

  afterAll(async () => {
    await launcher.clear();
    await database.drop();
  });

  it('hold in all of them when a forced opening is answered, whichever was asked', async () => {
    for (const at of [0, 1, 2, 3]) {
      await post('/tool/force-open', {}, at);
      expect(await claims(3)).toEqual([]);
      await post('/tool/reset', {}, (at + 1) % 4);
      expect(await claim(planes[(at + 2) % 4] as RunningPlane, agent)).toHaveLength(1);
    }
  });

  it('let exactly so many probes through, of 60 claims at once; a process that is killed changes nothing', async () => {
    const [failing] = await claim(planes[2] as RunningPlane, agent);
    await end('fail', failing as TestClaim);
    await eventually(async () => (await stateOf(3)) === 'open');
    expect(await claims(2)).toEqual([]);
    await withAdmin((admin) => admin.query(`update circuit_breakers set next_probe_at = now() - interval '1 second'`), database.name);
    await post('', { name: 'tool', minimum_calls: 10 });
    const probes = await claims(15);
    expect(probes).toHaveLength(PROBES);
    await programs[3]?.kill();
    expect(await stateOf(0)).toBe('half_open');
    planes.splice(3, 1, asPlane(await launcher.start(environment).ready()));
    expect(await claims(5)).toEqual([]);
    for (const probe of probes) await end('complete', probe);
    await eventually(async () => (await stateOf(3)) === 'closed');
    expect(await claim(planes[3] as RunningPlane, agent, { max: 5 })).toHaveLength(5);
  });
});
