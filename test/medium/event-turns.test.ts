import { EventConsumers } from '../../src/platform/events/event-consumers.js';
import { CONSUMER_LOCK } from '../../src/platform/events/event-turns.js';
import { Housekeeping } from '../../src/platform/jobs/housekeeping.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTenant } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

type Handle = (numbers: number[], tenantId: string) => Promise<void>;

describe('turns of tenants at the event log', () => {
  let database: TestDatabase;
  const planes: Plane[] = [];
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const plane of planes.splice(0)) await plane.stop();
    await database.drop();
  });

  const ask = <T extends object>(text: string, values: unknown[] = []) => withAdmin(async (admin) => (await admin.query<T>(text, values)).rows, database.name);
  const publish = (tenantId: string, from: number, to: number, name = 'test.any') =>
    ask(`insert into events (id, tenant_id, name, data) select gen_random_uuid(), $1, $2, json_build_object('n', n) from generate_series($3::int, $4::int) as n`, [tenantId, name, from, to]);
  const waiting = () => ask<{ tenant_id: string; failures: number }>(`select tenant_id, failures from event_backlogs where consumer = 'test'`);

  async function start(handle: Handle, environment: Record<string, string> = {}): Promise<Plane> {
    const plane = await startPlane({
      database,
      environment,
      prepare: (app) => {
        app.get(EventConsumers).onAllInTurns('test', (_tenantId, name) => Promise.resolve(name.startsWith('test.')), async (events) => {
          const numbers = events.filter(({ name }) => name.startsWith('test.')).map(({ data }) => data['n'] as number);
          if (numbers.length > 0) await handle(numbers, events[0]?.tenant_id ?? '');
        });
      },
    });
    planes.push(plane);
    return plane;
  }
  const tenants = async (plane: Plane, count: number): Promise<string[]> => {
    const ids = [];
    for (let n = 0; n < count; n += 1) ids.push((await createTenant(plane)).id);
    return ids;
  };

  it('let nobody wait for one who has very much to be handled, and keep the order of each', async () => {
    const seen = new Map<string, number[]>();
    let most = 0;
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let busy = '';
    const plane = await start(async (numbers, tenantId) => {
      most = Math.max(most, numbers.length);
      seen.set(tenantId, [...(seen.get(tenantId) ?? []), ...numbers]);
      if (tenantId === busy) await gate;
    });
    const [one = '', ...others] = await tenants(plane, 4);
    busy = one;
    await publish(one, 1, 1_000);
    await eventually(() => seen.has(one));
    for (const other of others) await publish(other, 1, 3);
    await publish(one, 1_001, 1_200);
    await eventually(() => others.every((other) => seen.get(other)?.length === 3));
    expect(seen.get(one)?.length).toBeLessThan(1_000);
    open();
    await eventually(() => seen.get(one)?.length === 1_200);
    expect(seen.get(one)).toEqual(Array.from({ length: 1_200 }, (_, n) => n + 1));
    await eventually(async () => (await waiting()).length === 0);
    expect([...seen.keys()].toSorted()).toEqual([one, ...others].toSorted());
    // A turn can end between so few.
    expect(most).toBe(20);
  });

  it('end with the process that has one, and another takes the turn', async () => {
    const [first, second]: [number[], number[]] = [[], []];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const plane = await start(async (numbers) => {
      first.push(...numbers);
      await gate;
    });
    const [tenant = ''] = await tenants(plane, 1);
    await publish(tenant, 1, 250);
    await eventually(() => first.length > 0);
    await start((numbers) => Promise.resolve(void second.push(...numbers)));
    expect(await ask(`select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database where l.locktype = 'advisory' and d.datname = current_database() and l.classid = ${CONSUMER_LOCK}`)).not.toEqual([]);
    await eventually(async () => (await waiting()).length === 0);
    expect(second).toEqual(Array.from({ length: 250 }, (_, n) => n + 1));
    open();
  });

  it('bury only the fact that cannot be handled, while others go on', async () => {
    const seen = new Map<string, number[]>();
    let poor = '';
    const plane = await start((numbers, tenantId) => {
      if (tenantId === poor && numbers.includes(2)) throw new Error('This one\0 cannot be handled.');
      seen.set(tenantId, [...(seen.get(tenantId) ?? []), ...numbers]);
      return Promise.resolve();
    });
    const [one = '', other = ''] = await tenants(plane, 2);
    poor = one;
    await publish(one, 1, 4);
    await eventually(async () => (await waiting()).some(({ failures }) => failures > 0));
    await publish(other, 1, 4);
    await eventually(() => seen.get(other)?.length === 4);
    await eventually(() => seen.get(one)?.length === 3, 30_000);
    expect([seen.get(one), seen.get(other)]).toEqual([[1, 3, 4], [1, 2, 3, 4]]);
    expect(await ask(`select (data->>'n')::int as n from event_dead_letters where consumer = 'test'`)).toEqual([{ n: 2 }]);
  }, 60_000);

  it('keep what waits from being removed by its age, and end where it was removed', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const seen: number[] = [];
    const plane = await start(async (numbers) => {
      seen.push(...numbers);
      await gate;
    }, { EVENT_RETENTION_DAYS: '30' });
    const [tenant = ''] = await tenants(plane, 1);
    await publish(tenant, 1, 250);
    await eventually(() => seen.length > 0);
    await eventually(async () => (await ask(`select 1 from event_consumers c, events e where c.name = 'test' and (c.tx, c.seq) >= (e.tx, e.seq) and e.data->>'n' = '250'`)).length === 1);
    await ask(`update events set occurred_at = now() - interval '40 days' where name = 'test.any'`);
    await plane.app.get(Housekeeping).clean(new AbortController().signal);
    expect(await ask(`select 1 from events where name = 'test.any'`)).toHaveLength(250);
    await ask(`delete from events where name = 'test.any' and (data->>'n')::int > 200`);
    open();
    await eventually(async () => (await waiting()).length === 0);
    expect(seen).toHaveLength(200);
  });
});
