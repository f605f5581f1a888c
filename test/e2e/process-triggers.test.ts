import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { ok } from '../support/factories.js';
import { type Environment, Launcher, type Program } from '../support/processes.js';
import { ADMIN_TOKEN, JWT_SECRET } from '../support/requests.js';

const EVENTS = 400;

/** Processes of the built program on one database, which are killed in the midst of their work. */
describe('triggers, when processes are killed', () => {
  const launcher = new Launcher();
  let database: TestDatabase;
  let environment: Environment;

  const start = (more: Environment = {}): Promise<Program> => launcher.start({ ...environment, ...more }).ready();
  const sql = async <T extends object>(statement: string, values: unknown[] = []): Promise<T[]> => withAdmin(async (client) => (await client.query(statement, values)).rows as T[], database.name);
  const count = async (statement: string, values: unknown[] = []): Promise<number> => Number((await sql<{ n: string }>(`select count(*) as n from ${statement}`, values))[0]?.n);

  beforeAll(async () => {
    database = await createDatabase();
    environment = { DATABASE_URL: database.url, DATABASE_POOL: '8', WHEELHOUSE_DATA: await launcher.dataFolder(), ADMIN_TOKEN, JWT_SECRET };
  }, 90_000);
  afterAll(async () => {
    await launcher.clear();
    await database.drop();
  });

  it('fire once for each event, in their order, though who has the turn and who does the action dies', async () => {
    const api = await start({ PROCESS_ROLE: 'api' });
    // Slow enough to be killed over it.
    const filter = `$event.data.of = 'killed' and $sum($map([1..1000], function($n) { $n })) > 0`;
    const action = { type: 'create_task', config: { title: 'Killed', payload: { n: '{% $event.data.n %}' } } };
    const { id } = await ok(api.request<{ id: string }>('POST', '/api/v1/triggers', { token: ADMIN_TOKEN, body: { name: 'Killed', type: 'event', config: { event: 'board.memory_added', filter }, max_per_hour: 10_000, action } }));
    await sql(`insert into events (id, tenant_id, name, data) select gen_random_uuid(), $1, 'board.memory_added', json_build_object('of', 'killed', 'n', n) from generate_series(1, ${EVENTS}) n`, [OPERATOR_TENANT_ID]);
    for (const share of [1, EVENTS / 4, EVENTS / 2]) {
      const workers = await Promise.all([start({ PROCESS_ROLE: 'worker' }), start({ PROCESS_ROLE: 'worker' })]);
      await eventually(async () => (await count('trigger_firings where trigger_id = $1', [id])) >= share, 20_000);
      await Promise.all(workers.map((worker) => worker.kill()));
    }
    await start({ PROCESS_ROLE: 'worker' });
    await eventually(async () => {
      // What the dead had taken would be taken again half a minute later.
      await sql(`update trigger_firings set due_at = now() where status = 'pending' and due_at > now() + interval '5 seconds'`);
      return (await count(`trigger_firings where trigger_id = $1 and status = 'fired'`, [id])) === EVENTS && (await count('event_backlogs')) === 0;
    }, 60_000);
    const numbers = Array.from({ length: EVENTS }, (_, n) => n + 1);
    const fired = await sql<{ n: number }>(`select (event -> 'data' ->> 'n')::int as n from trigger_firings where trigger_id = $1 order by id`, [id]);
    expect(fired.map(({ n }) => n)).toEqual(numbers);
    const made = await sql<{ n: number }>(`select (payload ->> 'n')::int as n from tasks where title = 'Killed' order by 1`);
    expect(made.map(({ n }) => n)).toEqual(numbers);
  }, 180_000);
});
