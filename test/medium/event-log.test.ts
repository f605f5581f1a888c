import { EventFeed } from '../../src/platform/events/event-feed.js';
import { EventLog, parsePosition, positionToken } from '../../src/platform/events/event-log.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type Plane, startPlane } from '../support/plane.js';

const TENANT = '00000000-0000-7000-8000-000000000001';

describe('reading the event log', () => {
  let plane: Plane;
  let log: EventLog;
  beforeAll(async () => {
    plane = await startPlane({ environment: { PROCESS_ROLE: 'api' } });
    log = plane.app.get(EventLog);
    const sql = `insert into events (id, tx, tenant_id, name, data) select gen_random_uuid(), tx, $1, name, '{}' from (values (10, 'b'), (11, 'c'), (9, 'a')) as fact (tx, name)`;
    await ask(sql, [TENANT]);
  });
  afterAll(() => plane.stop());
  const ask = (text: string, values: unknown[]) => withAdmin((admin) => admin.query(text, values), plane.database.name);

  it('is read for some facts alone', async () => {
    expect((await log.ofTenantAfter(TENANT, { tx: '0', seq: '0' }, 3, ['c', 'a'])).map(({ name }) => name)).toEqual(['a', 'c']);
  });

  it('does not show what may still be overtaken by a transaction that runs', async () => {
    const end = await log.end();
    await withAdmin(async (slow) => {
      await slow.query('begin');
      await slow.query(`insert into events (id, tenant_id, name, data) values (gen_random_uuid(), $1, 'slow', '{}')`, [TENANT]);
      await withAdmin((quick) => quick.query(`insert into events (id, tenant_id, name, data) values (gen_random_uuid(), $1, 'quick', '{}')`, [TENANT]), plane.database.name);
      expect(await log.after(end, 10)).toEqual([]);
      await slow.query('commit');
    }, plane.database.name);
    // Transactions of other databases of the server hold the log back as well, and other suites run beside this one.
    await eventually(async () => (await log.after(end, 10)).length === 2);
    expect((await log.after(end, 10)).map(({ name }) => name)).toEqual(['slow', 'quick']);
  });

  it('writes a place as one word and reads it back, and nothing else', () => {
    for (const position of [{ tx: '12', seq: '7' }, { tx: '-12', seq: '7' }]) expect(parsePosition(positionToken(position))).toEqual(position);
    for (const wrong of [undefined, '', '12', '--12-7', '12--7', '12-7-1', '12-x', `${'9'.repeat(30)}-1`]) expect(parsePosition(wrong)).toBeUndefined();
  });

  it('is not read on for a subscriber who has left in the middle of a replay', async () => {
    await ask(`insert into events (id, tx, tenant_id, name, data) select gen_random_uuid(), -tx, $1, 'replayed', '{}' from generate_series(1, 1200) as tx`, [TENANT]);
    const seen: string[] = [];
    const read = jest.spyOn(log, 'ofTenantAfter');
    const leave = await plane.app.get(EventFeed).follow({
      tenantId: TENANT,
      names: ['replayed'],
      after: { tx: '-5000', seq: '0' },
      onEvent: (event) => seen.push(event.name),
      ready: () => Promise.resolve(seen.length < 3),
    });
    leave();
    expect(seen).toHaveLength(3);
    expect(read).toHaveBeenCalledTimes(1);
    read.mockRestore();
  });
});
