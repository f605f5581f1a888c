import { EventLog, isAfter, parsePosition, positionToken } from '../../src/platform/events/event-log.js';
import { withAdmin } from '../support/databases.js';
import { type Plane, startPlane } from '../support/plane.js';

const TENANT = '00000000-0000-7000-8000-000000000001';

describe('the event log', () => {
  let plane: Plane;
  let log: EventLog;
  beforeAll(async () => {
    plane = await startPlane({ environment: { PROCESS_ROLE: 'api' } });
    log = plane.app.get(EventLog);
    // Transactions 9, 10 and 11, put down out of order: as text 10 stands before 9.
    const sql = `insert into events (id, tx, tenant_id, name, data) select gen_random_uuid(), tx, $1, name, '{}' from (values (10, 'b'), (11, 'c'), (9, 'a')) as fact (tx, name)`;
    await withAdmin((admin) => admin.query(sql, [TENANT]), plane.database.name);
  });
  afterAll(() => plane.stop());

  it('is read in the order of transactions, in whatever pieces', async () => {
    const names: string[] = [];
    let position = { tx: '0', seq: '0' };
    for (;;) {
      const [event] = await log.after(position, 1);
      if (!event || BigInt(event.position.tx) > 11n) break;
      expect(isAfter(event.position, position)).toBe(true);
      names.push(event.name);
      position = event.position;
    }
    expect(names).toEqual(['a', 'b', 'c']);
    const ofTenant = await log.ofTenantAfter(TENANT, { tx: '0', seq: '0' }, 3);
    expect(ofTenant.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect((await log.ofTenantAfter(TENANT, { tx: '0', seq: '0' }, 3, ['c'])).map(({ name }) => name)).toEqual(['c']);
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
    expect((await log.after(end, 10)).map(({ name }) => name)).toEqual(['slow', 'quick']);
  });

  it('writes a place as one word and reads it back, and nothing else', () => {
    const position = { tx: '12', seq: '7' };
    expect(parsePosition(positionToken(position))).toEqual(position);
    for (const wrong of [undefined, '', '12', '-12-7', '12-7-1', '12-x', `${'9'.repeat(30)}-1`]) expect(parsePosition(wrong)).toBeUndefined();
  });
});
