import type { Client } from 'pg';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { TenantDatabase } from '../../src/platform/database/tenant-database.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTask, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type ApiResponse, type Plane, startPlane } from '../support/plane.js';

/** Transactions that PostgreSQL ends for the sake of others are run again, and their callers notice nothing. */
describe('requests that deadlock', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  const asAdmin = <T>(work: (admin: Client) => Promise<T>) => withAdmin(work, plane.database.name);
  const countOf = (admin: Client, text: string, values: unknown[] = []) =>
    admin.query<{ n: number }>(text, values).then(({ rows }) => rows[0]?.n ?? 0);
  const deadlocks = (admin: Client) => countOf(admin, 'select deadlocks::int as n from pg_stat_database where datname = current_database()');
  const waiting = (admin: Client) => countOf(admin, `select count(*)::int as n from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`);

  /** The plane's own locks are taken in one order; the database is made to take two more, in the order that a title names. */
  beforeAll(() =>
    asAdmin((admin) =>
      admin.query(`create function meet() returns trigger language plpgsql as $$ begin
          perform pg_advisory_xact_lock(split_part(new.title, ' ', 2)::int);
          perform pg_advisory_xact_lock_shared(99);
          perform pg_advisory_xact_lock(split_part(new.title, ' ', 3)::int);
          return new;
        end $$;
        create trigger meet before insert on tasks for each row when (new.title like 'met %') execute function meet()`),
    ),
  );

  /** Each holds what the other waits for. A side connection lets neither go on before both hold theirs. */
  const meet = (headers: () => Record<string, string>): Promise<ApiResponse<{ id: string }>[]> =>
    asAdmin(async (admin) => {
      const before = await deadlocks(admin);
      // Parts of a task are made in a transaction of their own.
      const make = async (title: string) => {
        const { id: parent_task_id } = await createTask(plane);
        return () => plane.request<{ id: string }>('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, headers: headers(), body: { title, parent_task_id } });
      };
      const [one, other] = [await make('met 1 2'), await make('met 2 1')];
      await admin.query('select pg_advisory_lock(99)');
      const requests = [one(), other()];
      await eventually(async () => (await waiting(admin)) === 2);
      await admin.query('select pg_advisory_unlock(99)');
      const answers = await Promise.all(requests);
      await eventually(async () => {
        await admin.query('select pg_stat_clear_snapshot()');
        return (await deadlocks(admin)) > before;
      });
      return answers;
    });

  const madeOnce = (answers: ApiResponse<{ id: string }>[]) =>
    asAdmin(async (admin) => {
      const ids = answers.map(({ body }) => body.id);
      expect(await countOf(admin, 'select count(*)::int as n from tasks where parent_task_id is not null and id = any($1)', [ids])).toBe(2);
      expect(await countOf(admin, `select count(*)::int as n from events where name = 'task.created' and data ->> 'task_id' = any($1)`, [ids])).toBe(2);
      expect(await countOf(admin, `select count(*)::int as n from audit_log where action = 'task.create' and resource_id = any($1)`, [ids])).toBe(2);
    });

  it('are both done, each once', async () => {
    const answers = await meet(() => ({}));
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    await madeOnce(answers);
  });

  it('are both done with an Idempotency-Key too, and can be repeated', async () => {
    const answers = await meet(() => ({ 'idempotency-key': unique('key') }));
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    await madeOnce(answers);
  });

  it('are answered with a refusal that says when to come back when it goes on and on', async () => {
    await asAdmin((admin) =>
      admin.query(`create function conflict() returns trigger language plpgsql as $$ begin raise exception 'again' using errcode = '40001'; end $$;
        create trigger conflict before insert on tasks for each row when (new.title = 'doomed') execute function conflict()`),
    );
    const { status, headers } = await plane.request('POST', '/api/v1/tasks', { token: ADMIN_TOKEN, body: { title: 'doomed' } });
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
  });

  it('are run again on the hot paths as well, with nothing of the first try left', async () => {
    const database = plane.app.get(TenantDatabase);
    let tries = 0;
    await database.transaction(OPERATOR_TENANT_ID, async (client) => {
      tries += 1;
      await client.query(`insert into settings (tenant_id, category, key, value) values ($1, 'conflict', $2, 'true')`, [OPERATOR_TENANT_ID, `try-${tries}`]);
      if (tries < 3) await client.query(`do $$ begin raise exception 'again' using errcode = '40P01'; end $$`);
    });
    expect(tries).toBe(3);
    const rows = await database.statement<{ key: string }>(OPERATOR_TENANT_ID, `select key from settings where tenant_id = $1 and category = 'conflict'`, [OPERATOR_TENANT_ID]);
    expect(rows.map(({ key }) => key)).toEqual(['try-3']);
  });
});
