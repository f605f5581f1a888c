import { OPERATOR_TENANT_ID, newId } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { Sql } from '../../src/platform/database/sql.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import type { MissedTicks } from '../../src/platform/jobs/cron-schedule.js';
import { CronTicks } from '../../src/platform/jobs/cron-ticks.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTenant, ok } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

const KIND = 'test';
let planes: Plane[];
/** Owners whose ticks fail, after they have had their effect. */
const failing = new Set<string>();
/** What was given up, by its owner. */
const givenUp = new Map<string, { ticks: readonly Date[]; reason: { code: string; message: string } }[]>();

/** A tick writes a row, in its transaction. */
function prepare(app: Plane['app']): void {
  const sql = app.get(Sql);
  app.get(CronTicks).define(KIND, async (owner, at) => {
    await sql.execute(`insert into ticked select current_setting('app.tenant_id')::uuid, $1, $2`, [owner, at]);
    if (failing.has(owner)) throw new Error('After the effect.');
  }, (owner, ticks, reason) => {
    givenUp.set(owner, [...(givenUp.get(owner) ?? []), { ticks, reason }]);
    return Promise.resolve();
  });
}

beforeAll(async () => {
  const first = await startPlane({ prepare });
  await withAdmin((admin) => admin.query('create table ticked (tenant uuid, owner uuid, at timestamptz); grant all on ticked to wheelhouse_app, wheelhouse_system'), first.database.name);
  planes = [first, await startPlane({ database: first.database, prepare })];
});
afterAll(async () => {
  for (const plane of planes.toReversed()) await plane.stop();
});

const plane = (): Plane => planes[0] as Plane;
const query = <T extends object>(text: string, values: unknown[] = []): Promise<T[]> => plane().app.get(SystemDatabase).query<T>(text, values);
const set = (owner: string, expression: string | null, missed: MissedTicks = 'all', tenantId = OPERATOR_TENANT_ID): Promise<void> =>
  plane().app.get(RequestContext).runAsSystem(tenantId, 'test', () => plane().app.get(CronTicks).set(KIND, owner, expression === null ? null : { expression, timezone: 'UTC', missed }));
/** As if it had been set then. */
const since = (owner: string, ago: string): Promise<unknown> => query(`update cron_ticks set next_at = date_trunc('minute', now() - $2::interval), due_at = date_trunc('minute', now() - $2::interval) where owner_id = $1`, [owner, ago]);
const ticked = async (owner: string): Promise<string[]> => (await query<{ at: Date }>('select at from ticked where owner = $1 order by at', [owner])).map(({ at }) => at.toISOString());
const isAhead = async (owner: string): Promise<boolean> => (await query('select 1 from cron_ticks where owner_id = $1 and next_at > now() and due_at = next_at', [owner])).length === 1;

describe('ticks', () => {
  it('of many owners take effect once each, whichever processes look', async () => {
    const owners = Array.from({ length: 40 }, () => newId());
    for (const owner of owners) await set(owner, '* * * * *');
    for (const owner of owners) await since(owner, '5 minutes');
    await Promise.all(Array.from({ length: 5 }, () => planes).flat().map(({ app }) => app.get(CronTicks).round()));
    await eventually(async () => (await Promise.all(owners.map(isAhead))).every(Boolean));
    for (const owner of owners) {
      const times = await ticked(owner);
      expect(times.length).toBeGreaterThanOrEqual(6);
      expect(new Set(times).size).toBe(times.length);
    }
  });

  it.each([
    ['skip', 0],
    ['once', 1],
  ] as const)('that were missed long ago: %s', async (missed, expected) => {
    const owner = newId();
    // The last one at least two minutes ago, whatever the time is now.
    const minute = (new Date().getUTCMinutes() + 57) % 60;
    await set(owner, `${minute} * * * *`, missed);
    await query(`update cron_ticks set next_at = next_at - interval '5 hours', due_at = due_at - interval '5 hours' where owner_id = $1`, [owner]);
    await eventually(() => isAhead(owner));
    expect(await ticked(owner)).toHaveLength(expected);
  });

  it('that fail are taken back and tried again, later each time, and at last given up', async () => {
    const owner = newId();
    failing.add(owner);
    await set(owner, '* * * * *');
    await since(owner, '1 minute');
    const failures = (): Promise<{ failures: number; last_error: string; waits: boolean }[]> => query(`select failures, last_error, due_at > now() as waits from cron_ticks where owner_id = $1`, [owner]);
    await eventually(async () => (await failures())[0]?.failures === 1);
    expect(await failures()).toMatchObject([{ last_error: 'Error: After the effect.', waits: true }]);
    await query('update cron_ticks set due_at = now(), failures = 7 where owner_id = $1', [owner]);
    await eventually(() => isAhead(owner));
    expect([await ticked(owner), (await failures())[0]?.failures]).toEqual([[], 0]);
    const told = givenUp.get(owner) ?? [];
    expect(told).toMatchObject([{ reason: { code: 'internal', message: expect.stringContaining('8 times') as string } }]);
    expect(told[0]?.ticks.length).toBeGreaterThanOrEqual(2);
  });

  it('that are too late by the time they are tried again are given up, too, and not taken for missed', async () => {
    const owner = newId();
    const minute = (new Date().getUTCMinutes() + 57) % 60;
    await set(owner, `${minute} * * * *`, 'skip');
    await query(`update cron_ticks set failures = 3, last_error = 'Error: x', next_at = next_at - interval '1 hour', due_at = now() where owner_id = $1`, [owner]);
    await eventually(() => isAhead(owner));
    expect(await ticked(owner)).toEqual([]);
    expect(givenUp.get(owner)).toMatchObject([{ ticks: [expect.any(Date)], reason: { code: 'internal', message: expect.stringContaining('3 times') as string } }]);
    // One that was never tried was missed.
    const other = newId();
    await set(other, `${minute} * * * *`, 'skip');
    await query(`update cron_ticks set next_at = next_at - interval '1 hour', due_at = now() where owner_id = $1`, [other]);
    await eventually(() => isAhead(other));
    expect(givenUp.get(other)).toBeUndefined();
  });

  it('of a schedule that nobody can read any more keep no others waiting, also when they are given up', async () => {
    const [unreadable, owner] = [newId(), newId()];
    for (const id of [unreadable, owner]) await set(id, '* * * * *', 'once');
    await query(`update cron_ticks set timezone = 'Mars/Olympus', failures = 7, due_at = now() - interval '1 hour', next_at = now() - interval '1 hour' where owner_id = $1`, [unreadable]);
    await since(owner, '1 minute');
    await eventually(() => isAhead(owner));
    expect(await ticked(owner)).toHaveLength(1);
    await eventually(() => isAhead(unreadable));
    expect(await ticked(unreadable)).toEqual([]);
  });

  it('of very many owners all come in time', async () => {
    const owners = await query<{ id: string }>(
      `insert into cron_ticks (tenant_id, owner_kind, owner_id, expression, timezone, missed, next_at, due_at) select $1, $2, gen_random_uuid(), '0 0 1 1 *', 'UTC', 'once', date_trunc('year', now()), now() from generate_series(1, 450) returning owner_id as id`,
      [OPERATOR_TENANT_ID, KIND],
    );
    await eventually(async () => (await query('select 1 from cron_ticks where owner_id = any($1) and due_at > now()', [owners.map(({ id }) => id)])).length === 450);
    expect(await query('select 1 from ticked where owner = any($1)', [owners.map(({ id }) => id)])).toHaveLength(450);
  });

  it('stay where they are when the same schedule is set again, begin anew with another, and end', async () => {
    const owner = newId();
    await set(owner, '0 0 1 1 *');
    await query(`update cron_ticks set next_at = now() + interval '1 day' where owner_id = $1`, [owner]);
    const next = async (): Promise<string | undefined> => (await query<{ next_at: Date }>('select next_at from cron_ticks where owner_id = $1', [owner]))[0]?.next_at.toISOString();
    const before = await next();
    await set(owner, '0 0 1 1 *');
    expect(await next()).toBe(before);
    await set(owner, '0 0 1 2 *');
    expect(await next()).toMatch(/-02-01T00:00:00.000Z$/);
    await set(owner, null);
    expect(await next()).toBeUndefined();
    await expect(set(owner, 'now and then')).rejects.toMatchObject({ code: 'unprocessable', details: { errors: [{ field: 'expression' }] } });
  });

  it('of a suspended tenant wait', async () => {
    const tenant = await createTenant(plane());
    const owner = newId();
    await ok(plane().request('POST', `/api/v1/tenants/${tenant.id}/suspend`, { token: ADMIN_TOKEN, body: {} }));
    await set(owner, '* * * * *', 'once', tenant.id);
    await since(owner, '3 minutes');
    await plane().app.get(CronTicks).round();
    expect(await ticked(owner)).toEqual([]);
    await ok(plane().request('POST', `/api/v1/tenants/${tenant.id}/resume`, { token: ADMIN_TOKEN, body: {} }));
    await eventually(() => isAhead(owner));
    expect(await ticked(owner)).toHaveLength(1);
  });
});
