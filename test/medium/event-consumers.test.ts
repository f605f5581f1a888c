import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { defineEvent } from '../../src/core/event.js';
import { EventConsumers } from '../../src/platform/events/event-consumers.js';
import { EventLog } from '../../src/platform/events/event-log.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { type Plane, startPlane } from '../support/plane.js';

interface Numbered {
  n: number;
}
type Handle = (numbers: number[]) => Promise<void>;

/** What PostgreSQL says when it is stopped under a statement. */
const away = (): Error => Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' });

describe('following the event log', () => {
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
  /** Publishes facts in one transaction, so that they stand in one batch. */
  const publish = (name: string, numbers: number[]) =>
    ask(`insert into events (id, tenant_id, name, data) select gen_random_uuid(), $1, $2, json_build_object('n', n) from unnest($3::int[]) as n`, [OPERATOR_TENANT_ID, name, numbers]);
  const buried = async () => (await ask<{ n: number }>(`select (data->>'n')::int as n from event_dead_letters where consumer = 'test' order by n`)).map(({ n }) => n);
  const state = async () => (await ask<{ failures: number; last_error: string | null }>(`select failures, last_error from event_consumers where name = 'test'`))[0];

  async function start(handlers: { one?: Record<string, Handle>; many?: Record<string, Handle>; all?: Handle }): Promise<Plane> {
    const plane = await startPlane({
      database,
      prepare: (app) => {
        const consumers = app.get(EventConsumers);
        for (const [name, handle] of Object.entries(handlers.one ?? {})) consumers.on('test', defineEvent<Numbered>(name), ({ data }) => handle([data.n]));
        for (const [name, handle] of Object.entries(handlers.many ?? {})) consumers.onMany('test', defineEvent<Numbered>(name), (events) => handle(events.map(({ data }) => data.n)));
        const { all } = handlers;
        if (all) consumers.onAll('test', (events) => all(events.filter(({ name }) => name.startsWith('test.')).map(({ data }) => data['n'] as number)));
      },
    });
    planes.push(plane);
    return plane;
  }

  it('holds nobody else back while a handler runs, and no other process takes the same facts', async () => {
    const seen: number[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const handle: Handle = async ([n]) => {
      seen.push(n as number);
      await gate;
    };
    const plane = await start({ one: { 'test.slow': handle } });
    await start({ one: { 'test.slow': handle } });
    await publish('test.slow', [1]);
    await eventually(() => seen.length > 0);
    const log = plane.app.get(EventLog);
    const end = await log.end();
    await publish('test.other', [2]);
    await eventually(async () => (await log.after(end, 10)).length > 0, 3_000);
    open();
    await eventually(async () => (await state())?.last_error === null && (await ask(`select 1 from event_consumers where name = 'test' and tx > 0`)).length > 0);
    await publish('test.slow', [3]);
    await eventually(() => seen.includes(3));
    expect(seen).toEqual([1, 3]);
  });

  it('buries only the fact that cannot be handled, also among many that go together, and counts it', async () => {
    const seen: number[] = [];
    let tries = 0;
    const plane = await start({
      many: {
        'test.many': async (numbers) => {
          if (numbers.includes(2)) {
            tries += numbers.length === 1 ? 1 : 0;
            throw new Error('This one\0 cannot be handled.');
          }
          seen.push(...numbers);
        },
      },
    });
    await publish('test.many', [1, 2, 3, 4]);
    await eventually(() => seen.includes(4), 20_000);
    expect(seen).toEqual([1, 3, 4]);
    expect(tries).toBe(10);
    expect(await buried()).toEqual([2]);
    const { body } = await plane.request<string>('GET', '/metrics');
    expect(body).toContain('wheelhouse_event_dead_letters{consumer="test"} 1');
  });

  it('gives all facts to who asked for all, but those that another handler is named for, and in their order', async () => {
    const [all, one]: [number[], number[]] = [[], []];
    await start({ one: { 'test.one': async (numbers) => void one.push(...numbers) }, all: async (numbers) => void all.push(...numbers) });
    await publish('test.any', [1, 2]);
    await publish('test.one', [3]);
    await publish('test.other', [4]);
    await eventually(() => all.includes(4));
    expect(all).toEqual([1, 2, 4]);
    expect(one).toEqual([3]);
  });

  it('counts the failures of each fact for itself', async () => {
    const left = new Map([[1, 9], [2, 1]]);
    const seen: number[] = [];
    await start({
      one: {
        'test.one': async ([n]) => {
          const more = left.get(n as number) ?? 0;
          left.set(n as number, more - 1);
          if (more > 0) throw new Error('Not yet.');
          seen.push(n as number);
        },
      },
    });
    await publish('test.one', [1, 2, 3]);
    await eventually(() => seen.includes(3), 20_000);
    expect(seen).toEqual([1, 2, 3]);
    expect(await buried()).toEqual([]);
  });

  it('waits for a database that is away, ever longer, without counting', async () => {
    const at: number[] = [];
    await start({
      one: {
        'test.away': async () => {
          at.push(performance.now());
          if (at.length <= 3) throw away();
        },
      },
    });
    await publish('test.away', [1]);
    await eventually(() => at.length === 3);
    expect((await state())?.failures).toBe(0);
    await eventually(async () => at.length === 4 && (await state())?.last_error === null);
    const [first = 0, second = 0, third = 0, fourth = 0] = at;
    expect(third - second).toBeGreaterThan(second - first);
    expect(fourth - third).toBeGreaterThan(third - second);
    expect(await buried()).toEqual([]);
  });

  it('lets no consumer wait until another has done all that it has to do', async () => {
    const [slow, quick]: [number[], number[]] = [[], []];
    const plane = await startPlane({
      database,
      prepare: (app) => {
        const consumers = app.get(EventConsumers);
        consumers.on('test', defineEvent<Numbered>('test.slow'), async ({ data }) => {
          slow.push(data.n);
          await new Promise((resolve) => setTimeout(resolve, 5));
        });
        consumers.on('test-quick', defineEvent<Numbered>('test.quick'), ({ data }) => Promise.resolve(void quick.push(data.n)));
      },
    });
    planes.push(plane);
    await publish('test.slow', Array.from({ length: 1_500 }, (_, n) => n));
    await eventually(() => slow.length > 0);
    await publish('test.quick', [1]);
    await eventually(() => quick.length === 1);
    expect(slow.length).toBeLessThan(1_000);
    await eventually(() => slow.length === 1_500, 30_000);
    expect(slow).toEqual(Array.from({ length: 1_500 }, (_, n) => n));
  }, 60_000);

  it('stores what is done of a batch that takes long', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const seen: number[] = [];
    await start({
      one: {
        'test.long': async ([n]) => {
          seen.push(n as number);
          await (n === 1 ? new Promise((resolve) => setTimeout(resolve, 5_100)) : gate);
        },
      },
    });
    await publish('test.long', [1, 2]);
    await eventually(() => seen.includes(2), 15_000);
    const done = await ask<{ n: number }>(`select (data->>'n')::int as n from events e, event_consumers c where (e.tx, e.seq) = (c.tx, c.seq) and c.name = 'test'`);
    open();
    expect(done).toEqual([{ n: 1 }]);
  });
});
