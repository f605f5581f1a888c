import { createHash } from 'node:crypto';
import { newId, OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { MIGRATIONS } from '../../src/migrations/all.js';
import { Config, loadConfig } from '../../src/platform/config/config.js';
import { Passwords } from '../../src/platform/crypto/passwords.js';
import { newToken } from '../../src/platform/crypto/tokens.js';
import { migrate, migrationDataSource } from '../../src/platform/database/migrator.js';
import { exported, sealed, verifyOffline } from '../support/audit-bundles.js';
import { createDatabase, ownerUrl, type TestDatabase, withAdmin } from '../support/databases.js';
import { claim, login, ok, PASSWORD, type TestTask } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

const configOf = ({ url }: TestDatabase): Config => new Config(loadConfig({ DATABASE_URL: url }).settings);
const numberOf = (migration: { name: string }): number => Number(migration.name.slice(-3));

/** A database on which the given migrations have run, as at the version that had these. */
async function databaseAt(has: (number: number) => boolean): Promise<TestDatabase> {
  const name = `upgrade_${newId().replaceAll('-', '')}`;
  await withAdmin((admin) => admin.query(`create database ${name} owner wheelhouse`));
  const database = { name, url: ownerUrl(name), drop: () => withAdmin(async (admin) => { await admin.query(`drop database ${name} with (force)`); }) };
  const dataSource = await migrationDataSource(configOf(database)).setOptions({ migrations: MIGRATIONS.filter((migration) => has(numberOf(migration))) }).initialize();
  await dataSource.runMigrations();
  await dataSource.destroy();
  return database;
}

/** All that makes up the schema, in words that do not depend on the order in which it was made. */
async function schemaOf({ name }: TestDatabase): Promise<string[]> {
  const { rows } = await withAdmin((admin) => admin.query<{ line: string }>(
    `with tables as (select oid, relname, relacl, relrowsecurity, relforcerowsecurity, reloptions from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'S'))
     select format('%s: %s %s %s %s', relname, (select string_agg(a::text, ' ' order by a::text) from unnest(relacl) a), relrowsecurity, relforcerowsecurity, reloptions) as line from tables
     union all select format('%s.%s %s %s %s %s %s', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, (select string_agg(a::text, ' ' order by a::text) from unnest(attacl) a),
       (select pg_get_expr(adbin, adrelid) from pg_attrdef d where d.adrelid = attrelid and adnum = attnum)) from pg_attribute join tables on tables.oid = attrelid where attnum > 0 and not attisdropped
     union all select format('%s: %s', relname, pg_get_constraintdef(c.oid)) from pg_constraint c join tables on tables.oid = conrelid
     union all select pg_get_indexdef(indexrelid) from pg_index join tables on tables.oid = indrelid
     union all select format('%s %s', pg_get_triggerdef(t.oid), tgenabled) from pg_trigger t join tables on tables.oid = tgrelid where not tgisinternal
     union all select pg_policies::text from pg_policies where schemaname = 'public'
     union all select format('%s %s', pg_get_functiondef(p.oid), proacl) from pg_proc p where pronamespace = 'public'::regnamespace order by 1`,
  ), name);
  return rows.map(({ line }) => line);
}

/** Migrations run by their names: one that landed after others with a higher number runs on a database that has those. */
describe('a database that has some migrations, and not those before them', () => {
  it.each<[string, (number: number) => boolean]>([
    ['37, and not 31', (number) => number <= 37 && number !== 31],
    ['33, and neither 29 nor 31', (number) => number <= 33 && ![29, 31].includes(number)],
    ['28, and neither 23 nor 26', (number) => number <= 28 && ![23, 26].includes(number)],
  ])('comes to the same schema from %s', async (_what, has) => {
    const [fresh, late] = [await createDatabase(), await databaseAt(has)];
    try {
      expect(await migrate(configOf(late))).toBe(MIGRATIONS.filter((migration) => !has(numberOf(migration))).length);
      const schema = await schemaOf(late);
      expect(schema.length).toBeGreaterThan(500);
      expect(schema).toEqual(await schemaOf(fresh));
      expect(await migrate(configOf(late))).toBe(0);
    } finally {
      await late.drop();
      await fresh.drop();
    }
  });
});

describe('indexes that are made while others write', () => {
  it('are made once by processes that start together, also where one was cut off', async () => {
    const [fresh, old] = [await createDatabase(), await databaseAt((number) => number < 62)];
    try {
      await withAdmin(async (admin) => {
        await admin.query(`create index audit_log_outcome on audit_log (outcome)`);
        await admin.query(`update pg_index set indisvalid = false where indexrelid = 'audit_log_outcome'::regclass`);
      }, old.name);
      const made = await Promise.all([1, 2, 3].map(() => migrate(configOf(old))));
      expect(made.toSorted()).toEqual([0, 0, MIGRATIONS.filter((migration) => numberOf(migration) >= 62).length]);
      expect(await schemaOf(old)).toEqual(await schemaOf(fresh));
    } finally {
      await old.drop();
      await fresh.drop();
    }
  });
});

describe('a database of the first version, with what was in it', () => {
  const [tenantId, userId, agentId, taskId, keyId, childId] = [newId(), newId(), newId(), newId(), newId(), newId()];
  const [agentToken, key, child, refresh] = [newToken('wha_'), newToken('whk_'), newToken('whk_'), newToken('whr_')];
  let database: TestDatabase;
  let plane: Plane;

  async function fill(): Promise<void> {
    const password = await new Passwords().hash(PASSWORD);
    const lane = createHash('sha256').update(JSON.stringify([null, null, []])).digest();
    const rows: [statement: string, values: unknown[]][] = [
      [`insert into tenants (id, slug, name, plan) values ($1, 'old', 'Old', 'free')`, [tenantId]],
      [`insert into users (tenant_id, id, email, full_name, role, password_hash) values ($1, $2, 'boss@old.example', 'Boss', 'admin', $3)`, [tenantId, userId, password]],
      [`insert into sessions (tenant_id, id, user_id, refresh_hash, expires_at) values ($1, $2, $3, $4, now() + interval '1 day')`, [tenantId, newId(), userId, refresh.hash]],
      [`insert into api_keys (tenant_id, id, owner_id, parent_id, name, prefix, key_hash, scopes) values ($1, $2, $4, null, 'first', $5, $6, '{*}'), ($1, $3, $4, $2, 'second', $7, $8, '{task:read}')`,
        [tenantId, keyId, childId, userId, key.shown, key.hash, child.shown, child.hash]],
      [`insert into agents (tenant_id, id, slug, name) values ($1, $2, 'smith', 'Smith')`, [tenantId, agentId]],
      [`insert into agent_tokens (tenant_id, id, agent_id, prefix, token_hash) values ($1, $2, $3, $4, $5)`, [tenantId, newId(), agentId, agentToken.shown, agentToken.hash]],
      [`insert into task_lanes (tenant_id, key, required_tools) values ($1, $2, '{}')`, [tenantId, lane]],
      [`insert into tasks (tenant_id, id, title, status, priority, priority_rank, lane_id, ready, created_by_kind, created_by_id)
        select $1, $2, 'An old task', 'queued', 'medium', 2, id, true, 'user', $3 from task_lanes`, [tenantId, taskId, userId]],
      [`insert into audit_log (tenant_id, id, actor_kind, actor_id, actor_label, action, outcome, resource_type, resource_id, ip, before, after)
        values ($1, $2, 'user', $3, 'boss@old.example', 'agent.update', 'done', 'agent', $4, '192.0.2.1', '{"name": "Smyth"}', '{"name": "Smith"}')`, [tenantId, newId(), userId, agentId]],
      [`update installation set setup_completed_at = now()`, []],
    ];
    await withAdmin(async (admin) => {
      for (const [statement, values] of rows) await admin.query(statement, values);
    }, database.name);
  }

  beforeAll(async () => {
    database = await databaseAt((number) => number <= 6);
    await fill();
    await migrate(configOf(database));
    plane = await startPlane({ database });
  }, 60_000);
  afterAll(async () => {
    await plane.stop();
    await database.drop();
  });

  it('has the schema of a new one', async () => {
    const fresh = await createDatabase();
    expect(await schemaOf(database)).toEqual(await schemaOf(fresh));
    await fresh.drop();
  });

  it('lets its people, keys and agents go on', async () => {
    const { body: boss } = await login(plane, 'boss@old.example');
    expect(boss.user).toMatchObject({ id: userId, tenant_id: tenantId, role: 'admin' });
    expect((await plane.request('POST', '/api/v1/auth/refresh', { body: { refresh_token: refresh.token } })).status).toBe(200);
    const statusOf = async (token: string): Promise<number> => (await plane.request('GET', '/api/v1/tasks', { token })).status;
    expect([await statusOf(key.token), await statusOf(child.token)]).toEqual([200, 200]);
    expect((await plane.request('DELETE', `/api/v1/security/api-keys/${keyId}`, { token: boss.access_token })).status).toBe(204);
    expect([await statusOf(key.token), await statusOf(child.token)]).toEqual([401, 401]);
    const [held] = await claim(plane, { id: agentId, token: agentToken.token });
    expect(held?.task).toMatchObject({ id: taskId, title: 'An old task' });
    const done = await ok(plane.request<TestTask>('POST', `/api/v1/agent/tasks/${taskId}/complete`, { token: agentToken.token, body: { fence: held?.lease.fence, result: { ok: true } } }));
    expect(done.status).toBe('completed');
  });

  it('keeps what was in its audit log, and seals it with what comes', async () => {
    const { items } = await ok(plane.request<{ items: object[] }>('GET', `/api/v1/admin/audit?tenant_id=${tenantId}&action=agent.update`, { token: ADMIN_TOKEN }));
    expect(items).toMatchObject([{ actor_id: userId, actor_label: 'boss@old.example', ip: '192.0.2.1', before: { name: 'Smyth' }, after: { name: 'Smith' } }]);
    const { body: boss } = await login(plane, 'boss@old.example');
    expect(await sealed(plane, boss.access_token)).toMatchObject({ ok: true });
    expect((await verifyOffline(await exported(plane, boss.access_token))).code).toBe(0);
    expect((await ok(plane.request<{ id: string }>('GET', `/api/v1/tenants/${OPERATOR_TENANT_ID}`, { token: ADMIN_TOKEN }))).id).toBe(OPERATOR_TENANT_ID);
  });
});
