import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exported, newestCheckpoint, sealed, verifyOffline, verifyOnline } from '../support/audit-bundles.js';
import { acceptHold, holdOf, holdsOf } from '../support/audit-holds.js';
import { tamperWith } from '../support/audit-tampering.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';
import { MASTER_KEY } from '../support/requests.js';

let database: TestDatabase;
let folder: string;
let plane: Plane;
let admin: SignedIn;
let tenantId: string;

const start = async (): Promise<void> => {
  plane = await startPlane({ database, environment: { TRUST_PROXY: 'loopback', WHEELHOUSE_DATA: folder } });
};
beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-keys-'));
  await start();
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
  ({ tenantId } = admin);
  await sealed(plane, admin.token);
});
afterAll(async () => {
  await plane.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const asSuperuser = <T extends object>(sql: string, ...values: unknown[]): Promise<T[]> => withAdmin(async (client) => (await client.query<T>(sql, values)).rows, database.name);
const rotate = (): Promise<unknown> => promisify(execFile)(process.execPath, [join('dist', 'cli', 'main.js'), 'keys', 'rotate-audit'], { env: { PATH: process.env['PATH'], DATABASE_URL: database.url, MASTER_KEY } });
const publicKeys = async (): Promise<{ keys: string[]; handovers: string[] }> => ok(plane.request<{ keys: string[]; handovers: string[] }>('GET', '/api/v1/audit/public-key', { token: admin.token }));
const refused = async (): Promise<string | undefined> => /^wheelhouse_audit_key_refused (.+)$/m.exec(await (await fetch(`${plane.url}/metrics`)).text())?.[1];
const remembered = (): string => readdirSync(folder).filter((name) => name.startsWith('audit-marks.')).map((name) => readFileSync(join(folder, name), 'utf8')).join('');
const putBack = async (rows: readonly object[]): Promise<void> => {
  await asSuperuser('delete from audit_keys');
  await asSuperuser('insert into audit_keys select * from jsonb_populate_recordset(null::audit_keys, $1::jsonb)', JSON.stringify(rows));
};
const keyRows = async (): Promise<object[]> => (await asSuperuser<{ row: object }>('select to_jsonb(k) as row from audit_keys k')).map(({ row }) => row);
/** With a key that has been used: nothing is sealed with the one that is offered. */
async function refusesToSign(): Promise<void> {
  const before = await newestCheckpoint(plane, admin.token);
  await createTask(plane, {}, admin.token);
  await eventually(async () => (await refused()) === '1');
  expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'foreign', detail: expect.stringContaining('an older one was put back, or the newest taken away') } });
  expect(await newestCheckpoint(plane, admin.token)).toEqual(before);
  await expect(exported(plane, admin.token)).rejects.toThrow('503');
}
async function signsAgain(): Promise<void> {
  await eventually(async () => (await refused()) === '0');
  await createTask(plane, {}, admin.token);
  expect(await sealed(plane, admin.token)).toMatchObject({ ok: true, waiting: 0 });
}

describe('a key that was replaced', () => {
  let before: object[];
  let after: object[];
  let old: string;
  let next: string;
  beforeEach(async () => {
    before = await keyRows();
    old = (await publicKeys()).keys.at(-1)!;
    await rotate();
    next = (await publicKeys()).keys.at(-1)!;
    after = await keyRows();
    await createTask(plane, {}, admin.token);
    await sealed(plane, admin.token);
    await eventually(() => Promise.resolve(remembered().includes(JSON.stringify(next))));
  });

  it('never signs again, though its secret is put back as the newest, and the row is as it was', async () => {
    const secrets = before.filter((row) => 'sealed_key' in row && row.sealed_key !== null);
    await asSuperuser(
      `update audit_keys k set sealed_key = b.sealed_key, sealed_public = null, created_at = now() + interval '1 hour' from jsonb_populate_recordset(null::audit_keys, $1::jsonb) b where b.id = k.id and b.purpose = 'checkpoint'`,
      JSON.stringify(secrets),
    );
    await createTask(plane, {}, admin.token);
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true, waiting: 0 });
    const bundle = await exported(plane, admin.token);
    expect(await verifyOffline(bundle, { key: next })).toMatchObject({ code: 0 });
    expect((await publicKeys()).keys).toContain(old);
    await putBack(after);
  });

  it('does not sign where the newest is not there any more: the processes remember that one, also after a restart', async () => {
    await putBack(before);
    await refusesToSign();
    await plane.stop();
    await start();
    await refusesToSign();
    await putBack(after);
    await signsAgain();
    expect(await verifyOffline(await exported(plane, admin.token), { key: next })).toMatchObject({ code: 0 });
  });

  it('gives way to another one that the operator makes, when it was put back on purpose', async () => {
    await putBack(before);
    await eventually(async () => (await refused()) === '1');
    await rotate();
    await eventually(async () => (await refused()) === '0');
    const { keys } = await publicKeys();
    expect(keys).toContain(old);
    expect(keys).not.toContain(next);
    // It takes the place of the lost one: that does not sign any more where it comes back.
    await eventually(() => Promise.resolve(remembered().includes(JSON.stringify(keys.at(-1)))));
    const latest = await keyRows();
    await putBack(after);
    await eventually(async () => (await refused()) === '1');
    await putBack(latest);
    await eventually(async () => (await refused()) === '0');
  });
});

describe('an installation whose id was changed in the database', () => {
  it('has its marks still: nothing else is sealed in place of what was', async () => {
    const { size } = await newestCheckpoint(plane, admin.token);
    await plane.stop();
    await asSuperuser('update installation set id = $1', randomUUID());
    await tamperWith(plane, tenantId, async (run) => {
      const gone = ['audit_leaves', 'audit_nodes', 'audit_checkpoints', 'audit_trees'].map((table) => `no_${table} as (delete from ${table} where tenant_id = $1)`);
      await run(`with ${gone.join(', ')} update audit_sequencer set tx = -1`);
    });
    await start();
    expect(await holdOf(plane, tenantId)).toMatchObject({ kind: 'restored', size: 0, mark: { size, verified: true } });
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'restored' } });
    expect((await acceptHold(plane, tenantId)).status).toBe(200);
    await eventually(async () => (await holdsOf(plane)).every((hold) => hold.tenant_id !== tenantId));
  });
});
