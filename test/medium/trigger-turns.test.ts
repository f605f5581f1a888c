import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { FiringsRepository } from '../../src/work/triggers/firings.repository.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';
import { createTenant, createUser, ok, unique } from '../support/factories.js';
import { publish } from '../support/socket.js';

let plane: Plane;
let firings: FiringsRepository;

/** Nobody does what waits here: only what is taken is looked at. */
beforeAll(async () => {
  plane = await startPlane({ environment: { PROCESS_ROLE: 'api' } });
  firings = plane.app.get(FiringsRepository);
});
afterAll(() => plane.stop());
beforeEach(() => ask('delete from trigger_firings'));

const ask = (text: string, values: unknown[] = []): Promise<unknown> => withAdmin((admin) => admin.query(text, values), plane.database.name);

async function tenantWithTrigger(): Promise<{ tenantId: string; triggerId: string }> {
  const tenantId = (await createTenant(plane)).id;
  return { tenantId, triggerId: await triggerOf((await createUser(plane, { role: 'admin', tenant: tenantId })).token) };
}

async function triggerOf(token: string): Promise<string> {
  const body = { name: unique('trigger'), type: 'event', config: { event: 'task.failed' }, action: { type: 'send_notification', config: { title: 'x', to: { roles: ['admin'] } } } };
  return (await ok(plane.request<{ id: string }>('POST', '/api/v1/triggers', { token, body }))).id;
}

/** Firings of a trigger that have been due. @param age of the first, in minutes */
async function due({ tenantId, triggerId }: { tenantId: string; triggerId: string }, count: number, age: number): Promise<void> {
  await ask(
    `insert into trigger_firings (tenant_id, id, trigger_id, status, event, chain, due_at)
     select $1, gen_random_uuid(), $2, 'pending', '{"id": null, "name": "task.failed", "data": {}}', '{}', now() - make_interval(mins => $4, secs => -n / 1000.0) from generate_series(1, $3::int) n`,
    [tenantId, triggerId, count, age],
  );
}

const shares = async (limit: number): Promise<Map<string, number>> => {
  const taken = await firings.take(limit);
  return new Map([...Map.groupBy(taken, ({ tenant_id }) => tenant_id)].map(([tenantId, { length }]) => [tenantId, length]));
};

describe('firings that are due', () => {
  it('are taken of every tenant, though very many of one have waited for longer', async () => {
    const busy = { tenantId: OPERATOR_TENANT_ID, triggerId: await triggerOf(ADMIN_TOKEN) };
    const [one, other] = [await tenantWithTrigger(), await tenantWithTrigger()];
    await due(busy, 50_000, 60);
    await due(one, 1, 1);
    await due(other, 30, 1);
    const first = await shares(20);
    expect([first.get(one.tenantId), first.get(other.tenantId), (first.get(busy.tenantId) ?? 0) > 0]).toEqual([1, 6, true]);
  });

  it('are taken in turns where more tenants wait than there is room for', async () => {
    const tenants = [];
    for (let n = 0; n < 5; n += 1) tenants.push(await tenantWithTrigger());
    for (const [age, tenant] of tenants.entries()) await due(tenant, 10, 10 - age);
    const served = new Map<string, number>();
    for (let round = 0; round < 5; round += 1) for (const [tenantId, count] of await shares(2)) served.set(tenantId, (served.get(tenantId) ?? 0) + count);
    expect([...served.values()]).toEqual([2, 2, 2, 2, 2]);
  });

  it('are all of the only tenant that has some, oldest first, each once', async () => {
    const alone = await tenantWithTrigger();
    await due(alone, 45, 5);
    const taken = [...(await firings.take(20)), ...(await firings.take(20)), ...(await firings.take(20))];
    expect([taken.length, new Set(taken.map(({ id }) => id)).size]).toEqual([45, 45]);
  });
});

describe('events of which a tenant has very many', () => {
  let alone: Plane;
  beforeAll(async () => {
    alone = await startPlane();
  });
  afterAll(() => alone.stop());

  it('hold up the triggers of no other, though each has to be looked at for long', async () => {
    const owner = async (): Promise<{ tenantId: string; make: (filter?: string) => Promise<string>; history: (id: string) => Promise<unknown[]> }> => {
      const tenantId = (await createTenant(alone)).id;
      const { token } = await createUser(alone, { role: 'admin', tenant: tenantId });
      const make = async (filter?: string): Promise<string> => {
        const body = { name: unique('trigger'), type: 'event', config: { event: 'board.memory_added', ...(filter ? { filter } : {}) }, action: { type: 'send_notification', config: { title: 'x', to: { roles: ['admin'] } } } };
        return (await ok(alone.request<{ id: string }>('POST', '/api/v1/triggers', { token, body }))).id;
      };
      return { tenantId, make, history: async (id) => (await ok(alone.request<{ items: unknown[] }>('GET', `/api/v1/triggers/${id}/history`, { token }))).items };
    };
    const [busy, other] = [await owner(), await owner()];
    const slow = await busy.make('$sum($map([1..3000], function($n) { $n * 2 })) > 0');
    const quick = await other.make();
    const left = (): Promise<unknown[]> => withAdmin(async (admin) => (await admin.query('select 1 from event_backlogs where tenant_id = $1', [busy.tenantId])).rows, alone.database.name);
    await publish(alone, 'board.memory_added', {}, 3_000, busy.tenantId);
    await eventually(async () => (await busy.history(slow)).length > 0);
    await publish(alone, 'board.memory_added', {}, 1, other.tenantId);
    await eventually(async () => (await other.history(quick)).length > 0, 5_000);
    expect(await left()).toHaveLength(1);
    await withAdmin((admin) => admin.query('update triggers set enabled = false where id = $1', [slow]), alone.database.name);
  });
});
