import { TransactionHost } from '@nestjs-cls/transactional';
import { newId } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { Jobs } from '../../src/platform/jobs/jobs.js';
import type { JobOptions, JobRun } from '../../src/platform/jobs/job.js';
import { createDatabase, type TestDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { unique } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

type Made = JobRun & { text: string; tenantId: string };

let database: TestDatabase;
const planes: Plane[] = [];

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.stop();
  await database.drop();
});

/** A plane on whose job `note` tenants take turns. */
async function start(make: (job: Made) => Promise<void> | void, options: JobOptions = {}, environment: Record<string, string> = {}): Promise<Plane> {
  const plane = await startPlane({
    database,
    environment,
    prepare: (app) => {
      const context = app.get(RequestContext);
      app.get(Jobs).define<{ text: string }>('note', async ({ text }, run) => make({ text, ...run, tenantId: context.tenantId }), { concurrency: 8, inTurns: true, ...options });
    },
  });
  planes.push(plane);
  return plane;
}

async function addTenant(plane: Plane): Promise<string> {
  const id = newId();
  await plane.app.get(SystemDatabase).query(`insert into tenants (id, slug, name) values ($1, $2, 'Other')`, [id, unique('t')]);
  return id;
}

const enqueue = (plane: Plane, tenantId: string, count: number): Promise<void> =>
  plane.app.get(RequestContext).runAsSystem(tenantId, 'test', () =>
    plane.app.get(TransactionHost).withTransaction(async () => {
      for (let index = 0; index < count; index += 1) await plane.app.get(Jobs).enqueue('note', { text: String(index) });
    }),
  );

const jobs = <T extends object>(plane: Plane): Promise<T[]> => plane.app.get(SystemDatabase).query<T>(`select state::text, heartbeat_on > started_on as beats from pgboss.job where name = 'note'`, []);

/** Jobs that last until they are told to end, or are stopped. */
function lasting(): { make: (job: Made) => Promise<void>; begun: Made[]; end: () => void } {
  const gate = new AbortController();
  const begun: Made[] = [];
  const make = (job: Made): Promise<void> =>
    new Promise((resolve, reject) => {
      begun.push(job);
      if (gate.signal.aborted) resolve();
      gate.signal.addEventListener('abort', () => resolve());
      job.signal.addEventListener('abort', () => reject(new Error('stopped')));
    });
  return { make, begun, end: () => gate.abort() };
}

describe('jobs in turns', () => {
  it('of one tenant that never end hold up none of another', async () => {
    const { make, begun, end } = lasting();
    const plane = await start(make);
    const [busy, other] = [await addTenant(plane), await addTenant(plane)];
    await enqueue(plane, busy, 100);
    await eventually(() => begun.length === 4);
    await enqueue(plane, other, 1);
    await eventually(() => begun.some(({ tenantId }) => tenantId === other));
    expect(begun.filter(({ tenantId }) => tenantId === busy)).toHaveLength(4);
    end();
    await eventually(() => begun.length === 101);
    await eventually(async () => (await jobs<{ state: string }>(plane)).every(({ state }) => state === 'completed'));
  });

  it('of several such tenants leave a place to one that comes after them', async () => {
    const { make, begun, end } = lasting();
    const plane = await start(make, { concurrency: 16 });
    const tenants = [await addTenant(plane), await addTenant(plane), await addTenant(plane)];
    for (const tenant of tenants) await enqueue(plane, tenant, 50);
    await eventually(() => new Set(begun.map(({ tenantId }) => tenantId)).size === 3);
    const last = await addTenant(plane);
    await enqueue(plane, last, 1);
    await eventually(() => begun.some(({ tenantId }) => tenantId === last));
    end();
    await eventually(() => begun.length === 151);
  });

  it('that last longer than their heartbeat show signs of life', async () => {
    const { make, begun, end } = lasting();
    const plane = await start(make, { heartbeatSeconds: 10 });
    await enqueue(plane, await addTenant(plane), 1);
    await eventually(() => begun.length === 1);
    await eventually(async () => (await jobs<{ beats: boolean }>(plane)).every(({ beats }) => beats));
    end();
    await eventually(async () => (await jobs<{ state: string }>(plane))[0]?.state === 'completed');
    expect(begun).toHaveLength(1);
  });

  it('that fail are tried again', async () => {
    const attempts: number[] = [];
    const plane = await start(({ attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error('no luck');
    });
    await enqueue(plane, await addTenant(plane), 1);
    await eventually(() => attempts.length === 2);
    expect(attempts).toEqual([1, 2]);
  });

  it('that do not end with their process are stopped, and made again by another', async () => {
    const { make, begun, end } = lasting();
    const first = await start(make, {}, { SHUTDOWN_SECONDS: '1' });
    await enqueue(first, await addTenant(first), 1);
    await eventually(() => begun.length === 1);
    planes.splice(0);
    await first.stop();
    expect(begun[0]?.signal.aborted).toBe(true);
    await start(make);
    await eventually(() => begun.length === 2);
    end();
    expect(begun.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });
});
