import { randomUUID } from 'node:crypto';
import { TransactionHost } from '@nestjs-cls/transactional';
import { PgBoss } from 'pg-boss';
import { newId, OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { Sql } from '../../src/platform/database/sql.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { Jobs } from '../../src/platform/jobs/jobs.js';
import type { EnqueueOptions, JobOptions, JobRun } from '../../src/platform/jobs/job.js';
import { Housekeeping } from '../../src/platform/jobs/housekeeping.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

interface Note {
  text: string;
}

interface Seen extends Note, JobRun {
  tenantId: string;
  requestId: string | undefined;
  rows: number;
}

let database: TestDatabase;
const planes: Plane[] = [];

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.stop();
  await database.drop();
});

/** A plane with the job `note`, whose handler is the test's. */
async function start(handle: (seen: Seen) => Promise<void> | void = () => undefined, options: JobOptions = {}, environment: Record<string, string> = {}): Promise<Plane> {
  const plane = await startPlane({
    database,
    environment,
    prepare: (app) => {
      const [context, sql, transactions] = [app.get(RequestContext), app.get(Sql), app.get(TransactionHost)];
      app.get(Jobs).define<Note>(
        'note',
        async (data, run) => {
          const rows = await transactions.withTransaction(() => sql.rows('select tenant_id from settings'));
          await handle({ ...data, ...run, tenantId: context.tenantId, requestId: context.requestId, rows: rows.length });
        },
        options,
      );
    },
  });
  planes.push(plane);
  return plane;
}

function inTransaction<T>(plane: Plane, tenantId: string, work: (jobs: Jobs) => Promise<T>): Promise<T> {
  return plane.app.get(RequestContext).runAsSystem(tenantId, 'test', () => plane.app.get(TransactionHost).withTransaction(() => work(plane.app.get(Jobs))), 'request-1');
}

const enqueue = (plane: Plane, text: string, options?: EnqueueOptions, tenantId = OPERATOR_TENANT_ID): Promise<string | undefined> =>
  inTransaction(plane, tenantId, (jobs) => jobs.enqueue<Note>('note', { text }, options));

const jobsNamed = (plane: Plane, name: string): Promise<{ state: string; singleton_on: Date | null }[]> =>
  plane.app.get(SystemDatabase).query('select state::text, singleton_on from pgboss.job where name = $1', [name]);

async function addTenant(plane: Plane): Promise<string> {
  const id = newId();
  await plane.app.get(SystemDatabase).query(`insert into tenants (id, slug, name) values ($1, $2, 'Other')`, [id, `t-${randomUUID()}`]);
  return id;
}

describe('a job', () => {
  it('runs in the context of its tenant, at once, and knows the request that asked for it', async () => {
    const seen: Seen[] = [];
    const plane = await start((run) => void seen.push(run));
    const other = await addTenant(plane);
    await plane.app.get(SystemDatabase).query(`insert into settings (tenant_id, category, key, value) values ($1, 'a', 'b', '1'), ($2, 'a', 'b', '2')`, [other, OPERATOR_TENANT_ID]);
    const before = performance.now();
    const id = await enqueue(plane, 'hello', {}, other);
    const run = await eventually(() => seen[0]);
    expect(run).toMatchObject({ id, text: 'hello', tenantId: other, requestId: 'request-1', attempt: 1, rows: 1 });
    expect(performance.now() - before).toBeLessThan(1_900);
  });

  it('goes with the transaction that asked for it', async () => {
    const plane = await start(undefined, {}, { PROCESS_ROLE: 'api' });
    await expect(
      inTransaction(plane, OPERATOR_TENANT_ID, async (jobs) => {
        expect(await jobs.enqueue<Note>('note', { text: 'lost' })).toBeDefined();
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await jobsNamed(plane, 'note')).toEqual([]);
    await enqueue(plane, 'kept');
    expect(await jobsNamed(plane, 'note')).toHaveLength(1);
  });

  it('is refused outside of a transaction, under an unknown name, and for another tenant', async () => {
    const plane = await start(undefined, {}, { PROCESS_ROLE: 'api' });
    const jobs = plane.app.get(Jobs);
    await expect(plane.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', () => jobs.enqueue('note', {}))).rejects.toThrow('outside of a transaction');
    await expect(inTransaction(plane, OPERATOR_TENANT_ID, () => jobs.enqueue('unknown', {}))).rejects.toThrow('no job unknown');
    const forged = inTransaction(plane, OPERATOR_TENANT_ID, () =>
      plane.app.get(Sql).execute(`insert into pgboss.job_common (name, data) values ('note', jsonb_build_object('tenant_id', $1::text))`, [newId()]),
    );
    await expect(forged).rejects.toThrow('row-level security');
  });

  it('hides from the running role of another tenant', async () => {
    const plane = await start(undefined, {}, { PROCESS_ROLE: 'api' });
    const other = await addTenant(plane);
    await enqueue(plane, 'secret', {}, other);
    const ids = await inTransaction(plane, OPERATOR_TENANT_ID, () => plane.app.get(Sql).rows('select id, data from pgboss.job_common'));
    expect(ids).toEqual([]);
  });

  it('is tried again with backoff, then lies visibly among the dead letters of its tenant', async () => {
    const attempts: number[] = [];
    const plane = await start(
      ({ attempt }) => {
        attempts.push(attempt);
        throw new Error('no luck');
      },
      { retries: 1, retryDelaySeconds: 1 },
    );
    const other = await addTenant(plane);
    await enqueue(plane, 'doomed', {}, other);
    const lettersOf = (tenantId: string): ReturnType<Jobs['deadLetters']> => plane.app.get(RequestContext).runAsSystem(tenantId, 'test', () => plane.app.get(Jobs).deadLetters());
    const letter = await eventually(async () => (await lettersOf(other))[0]);
    expect(letter).toMatchObject({ name: 'note', data: { text: 'doomed' }, attempts: 2, error: { message: 'no luck' } });
    expect(attempts).toEqual([1, 2]);
    expect(await lettersOf(OPERATOR_TENANT_ID)).toEqual([]);
  });

  it('waits for its time', async () => {
    const seen: string[] = [];
    const plane = await start(({ text }) => void seen.push(text));
    await enqueue(plane, 'later', { startAfter: new Date(Date.now() + 3_600_000) });
    await enqueue(plane, 'soon', { startAfter: 1 });
    await enqueue(plane, 'now');
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['now', 'soon']);
  });

  it('waits once for each key of a tenant', async () => {
    const plane = await start(undefined, { onePerKey: true }, { PROCESS_ROLE: 'api' });
    const other = await addTenant(plane);
    const ids = await Promise.all([1, 2, 3].map(() => enqueue(plane, 'x', { singletonKey: 'a' })));
    expect(ids.filter(Boolean)).toHaveLength(1);
    expect(await enqueue(plane, 'x', { singletonKey: 'b' })).toBeDefined();
    expect(await enqueue(plane, 'x', { singletonKey: 'a' }, other)).toBeDefined();
    await expect(enqueue(plane, 'x')).rejects.toThrow('needs a singletonKey');
  });

  it('waits while its tenant is suspended, however long, and runs when it is resumed', async () => {
    const seen: string[] = [];
    const plane = await start(({ text }) => void seen.push(text));
    const tenant = await addTenant(plane);
    const change = (what: string): Promise<unknown> => plane.request('POST', `/api/v1/tenants/${tenant}/${what}`, { token: ADMIN_TOKEN, body: {} });
    await change('suspend');
    await enqueue(plane, 'parked', {}, tenant);
    const parked = (): Promise<{ name: string }[]> => plane.app.get(SystemDatabase).query('select name from parked_jobs where tenant_id = $1', [tenant]);
    await eventually(async () => (await parked()).length === 1);
    // The queue is done with it: nothing there throws it away by age.
    await eventually(async () => (await jobsNamed(plane, 'note')).every(({ state }) => state === 'completed'));
    await enqueue(plane, 'of another');
    await eventually(() => seen.length === 1);
    await change('resume');
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['of another', 'parked']);
    expect(await parked()).toEqual([]);
  });

  it('runs 100 one after the other without a pause between', async () => {
    let done = 0;
    const plane = await start(() => void (done += 1));
    await inTransaction(plane, OPERATOR_TENANT_ID, async (jobs) => {
      for (let index = 0; index < 100; index += 1) await jobs.enqueue<Note>('note', { text: 'x' });
    });
    await eventually(() => done === 100);
  });
});

describe('workers', () => {
  it('take over from one that has died', async () => {
    const seen: Seen[] = [];
    const first = await start(undefined, {}, { PROCESS_ROLE: 'api' });
    await enqueue(first, 'orphan');
    const system = first.app.get(SystemDatabase);
    // A worker takes the job and is never heard of again.
    const dead = new PgBoss({ db: { executeSql: (text: string, values?: unknown[]) => system.pool.query(text, values) }, schema: 'pgboss', migrate: false, supervise: false, schedule: false, registerInstance: false });
    await dead.start();
    expect(await dead.fetch('note')).toHaveLength(1);
    await dead.stop({ graceful: false });
    await start((run) => void seen.push(run));
    expect(seen).toEqual([]);
    await withAdmin((admin) => admin.query(`update pgboss.job_common set heartbeat_on = now() - interval '1 hour' where state = 'active' and name = 'note'`), database.name);
    expect(await eventually(() => seen[0], 25_000)).toMatchObject({ text: 'orphan', attempt: 2 });
  }, 40_000);

  it('end what they are doing at shutdown and begin nothing more', async () => {
    let begun = 0;
    let ended = 0;
    let finish: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (finish = resolve));
    const plane = await start(async () => {
      begun += 1;
      await gate;
      ended += 1;
    });
    await enqueue(plane, 'one');
    await enqueue(plane, 'two');
    await eventually(() => begun === 1);
    planes.splice(planes.indexOf(plane), 1);
    const stopped = plane.stop();
    setTimeout(finish, 200);
    await stopped;
    expect([begun, ended]).toEqual([1, 1]);
    await withAdmin(async (admin) => {
      const { rows } = await admin.query(`select state::text from pgboss.job where name = 'note' order by state::text`);
      expect(rows).toEqual([{ state: 'completed' }, { state: 'created' }]);
    }, database.name);
  });

  it('make one job of each tick of the clock, however many processes there are', async () => {
    const ran: string[] = [];
    const startClock = (): Promise<Plane> =>
      startPlane({
        database,
        prepare: (app) => {
          app.get(Jobs).define<Note>('tick', async ({ text }) => void ran.push(`${text} ${app.get(RequestContext).tenantId}`));
          app.get(Jobs).schedule('tick', '* * * * *', { text: 'tick' });
        },
      });
    planes.push(...(await Promise.all([startClock(), startClock()])));
    await eventually(() => ran.length > 0, 20_000);
    // Both have looked at the clock again by the time this is so.
    const system = planes[0]?.app.get(SystemDatabase) as SystemDatabase;
    const passes = new Set<string>();
    await eventually(async () => {
      const [row] = await system.query<{ cron_on: Date }>('select cron_on from pgboss.version');
      return passes.add(String(row?.cron_on.getTime())).size >= 2;
    }, 50_000);
    // A tick is claimed as a row of its minute; what it makes has no minute any more.
    const count = async (): Promise<{ jobs: number; claimed: number; minutes: number }> => {
      const [row] = await system.query<{ jobs: number; claimed: number; minutes: number }>(
        `select (select count(*)::int from pgboss.job where name = 'tick') as jobs, count(*)::int as claimed, count(distinct singleton_on)::int as minutes
         from pgboss.job where name = '__pgboss__send-it' and singleton_key like 'tick%' and state = 'completed'`,
      );
      return row as { jobs: number; claimed: number; minutes: number };
    };
    const { jobs, claimed, minutes } = await eventually(async () => {
      const counted = await count();
      return counted.claimed > 0 && counted.jobs === counted.claimed ? counted : undefined;
    });
    expect([jobs, claimed]).toEqual([minutes, minutes]);
    expect(new Set(ran)).toEqual(new Set([`tick ${OPERATOR_TENANT_ID}`]));
  }, 90_000);
});

describe('housekeeping', () => {
  it('removes what has served its time and nothing else', async () => {
    const plane = await start(undefined, {}, { EVENT_RETENTION_DAYS: '30', PROCESS_ROLE: 'api' });
    const system = plane.app.get(SystemDatabase);
    const tenant = OPERATOR_TENANT_ID;
    await system.query(`insert into idempotency_keys (tenant_id, key_hash, request_hash, state, owner, locked_until, created_at)
      select $1, decode(md5(age), 'hex'), '\\x00', 'done', gen_random_uuid(), now(), now() - age::interval from unnest(array['25 hours', '23 hours']) as age`, [tenant]);
    await system.query(`insert into events (id, tx, tenant_id, name, data, occurred_at)
      select gen_random_uuid(), tx, $1, 'test', '{}', now() - age::interval from (values (1, '31 days'), (2, '31 days'), (3, '29 days')) as e (tx, age)`, [tenant]);
    await system.query(`insert into event_consumers (name, tx, seq) values ('slow', 1, 9223372036854775807)`);
    await system.query(`insert into processes (id, role, seen_at) values (gen_random_uuid(), 'api', now() - interval '2 hours')`);
    await plane.app.get(Housekeeping).clean(new AbortController().signal);
    const count = async (table: string): Promise<number> => Number((await system.query<{ n: string }>(`select count(*) as n from ${table}`))[0]?.n);
    expect({ keys: await count('idempotency_keys'), processes: await count('processes') }).toEqual({ keys: 1, processes: 1 });
    expect(await system.query(`select tx::int from events order by tx`)).toEqual([{ tx: 2 }, { tx: 3 }]);
  });

  it('is due every hour', async () => {
    const plane = await start();
    const rows = await plane.app.get(SystemDatabase).query('select name, cron, timezone from pgboss.schedule');
    expect(rows).toContainEqual({ name: 'housekeeping', cron: '17 * * * *', timezone: 'UTC' });
  });
});
