import type pg from 'pg';
import type { Verification } from '../support/audit-bundles.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { ok } from '../support/factories.js';
import { ADMIN_TOKEN } from '../support/plane.js';
import { holderOfPort } from '../support/port-holder.js';
import { Launcher, type Program } from '../support/processes.js';
import { SEQUENCER_SESSION, type SequencerSession } from '../support/sequencer-session.js';

/** Key of an advisory lock of this test. */
const HELD = 4_711;
/** Where the sequencer is stopped: each holds it until `HELD` is let go. */
const POINTS = {
  'between reading rows and sealing them': 'before insert on audit_leaves for each statement',
  'between sealing them and the checkpoint': 'before insert on audit_checkpoints for each statement',
};

const launcher = new Launcher();
let database: TestDatabase;
let programs: Program[];
beforeAll(async () => {
  database = await createDatabase();
  programs = Array.from({ length: 3 }, () => launcher.start({ DATABASE_URL: database.url, ADMIN_TOKEN }));
  await Promise.all(programs.map((program) => program.ready()));
}, 120_000);
afterAll(async () => {
  await launcher.clear();
  await database.drop();
});

const createTask = (program: Program, title: string) => ok(program.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title } }));
const rowsOf = async <T extends pg.QueryResultRow>(client: pg.Client, statement: string, values?: unknown[]): Promise<T[]> => (await client.query<T>(statement, values)).rows;
const isWaiting = async (client: pg.Client, pid: number): Promise<boolean> => (await rowsOf(client, `select 1 from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`, [pid])).length > 0;

/** The process that leads, and its session. */
async function leader(client: pg.Client): Promise<{ program: Program; session: SequencerSession }> {
  return eventually(async () => {
    const [session] = await rowsOf<SequencerSession>(client, SEQUENCER_SESSION);
    const pid = session && holderOfPort(session.port, programs.map((program) => program.pid));
    const program = programs.find((each) => each.pid === pid && !each.ended);
    return session && program ? { program, session } : undefined;
  });
}

describe('kill -9 of the process that seals the audit log', () => {
  it.each(Object.entries(POINTS))('%s misses no row and doubles none: another process goes on', async (point, when) => {
    await withAdmin(async (client) => {
      const { program, session } = await leader(client);
      const [survivor] = programs.filter((each) => each !== program && !each.ended) as [Program];
      await client.query(`create function hold() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(${HELD}); return new; end $$`);
      await client.query('select pg_advisory_lock($1)', [HELD]);
      await client.query(`create trigger hold ${when} execute function hold()`);
      await createTask(survivor, `Made ${point}`);
      await eventually(() => isWaiting(client, session.pid));
      await program.kill();
      await client.query('select pg_advisory_unlock($1)', [HELD]);
      await createTask(survivor, 'Made without a sequencer');
      expect((await leader(client)).program).not.toBe(program);
      await eventually(async () => (await rowsOf(client, 'select 1 from audit_log r, audit_sequencer s where (r.tx, r.id) > (s.tx, s.id) limit 1')).length === 0);
      await client.query('drop function hold() cascade');
      expect(await rowsOf(client, 'select 1 from audit_log r full join audit_leaves l on l.row_id = r.id where r.id is null or l.row_id is null')).toEqual([]);
      const [tree] = await rowsOf(client, 'select count(*)::int as leaves, max(seq)::int + 1 as places from audit_leaves');
      expect(tree?.['leaves']).toBe(tree?.['places']);
      expect(await ok(survivor.request<Verification>('GET', '/api/v1/audit/verify', { token: ADMIN_TOKEN }))).toMatchObject({ ok: true, waiting: 0, rows: tree?.['leaves'] });
    }, database.name);
  }, 60_000);
});
