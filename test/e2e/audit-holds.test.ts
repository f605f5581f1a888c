import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signCheckpoint } from '../../src/core/audit/checkpoint.js';
import { EMPTY_ROOT } from '../../src/core/audit/merkle.js';
import { newestCheckpoint, sealed } from '../support/audit-bundles.js';
import { ownSigner } from '../support/audit-forgers.js';
import { acceptHold, type Hold, holdOf, holdsOf } from '../support/audit-holds.js';
import { tamperWith } from '../support/audit-tampering.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

let database: TestDatabase;
let folder: string;
let plane: Plane;
let admin: SignedIn;
let tenantId: string;
/** The newest checkpoint and one before it, from before the log was taken away. */
let older: { size: number; root: string; note: string };
let newest: typeof older;

const start = async (environment: Record<string, string> = {}): Promise<void> => {
  plane = await startPlane({ database, environment: { TRUST_PROXY: 'loopback', WHEELHOUSE_DATA: folder, ...environment } });
};
const asSuperuser = (sql: string, ...values: unknown[]): Promise<unknown> => withAdmin((client) => client.query(sql, values), database.name);
const setMark = (note: string | null): Promise<unknown> => asSuperuser('update audit_holds set mark = $2 where tenant_id = $1', tenantId, note);
const hold = (): Promise<Hold> => holdOf(plane, tenantId);
const released = (): Promise<unknown> => eventually(async () => (await holdsOf(plane)).every((one) => one.tenant_id !== tenantId));
const TREE = ['audit_leaves', 'audit_nodes', 'audit_checkpoints', 'audit_trees'];
/** And the sequencer is sent back, so that it seals what is there now. */
const takeAway = (): Promise<void> =>
  tamperWith(plane, tenantId, (run) => run(`with ${TREE.map((table) => `no_${table} as (delete from ${table} where tenant_id = $1)`).join(', ')} update audit_sequencer set tx = -1`));

beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-holds-'));
  await start();
});
beforeEach(async () => {
  admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
  ({ tenantId } = admin);
  await sealed(plane, admin.token);
  older = await newestCheckpoint(plane, admin.token);
  await createTask(plane, {}, admin.token);
  await sealed(plane, admin.token);
  newest = await newestCheckpoint(plane, admin.token);
});
afterAll(async () => {
  await plane.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

describe('what the operator accepts', () => {
  beforeEach(async () => {
    await takeAway();
    await createTask(plane, {}, admin.token);
    await hold();
  });

  it('is shown with what it is measured against, and is what was looked at', async () => {
    const { keys } = await ok(plane.request<{ keys: string[] }>('GET', '/api/v1/audit/public-key', { token: admin.token }));
    const seen = await hold();
    expect(seen).toMatchObject({ size: 0, root: EMPTY_ROOT.toString('base64'), mark: { size: newest.size, root: newest.root, note: newest.note, verified: true, key: keys.at(-1) } });
    for (const bad of [{ size: undefined }, { size: -1 }, { size: 1.5 }, { root: undefined }, { root: 'x' }, { root: null }]) {
      const body = { size: 0, root: seen.root, reason: 'a restore', ...bad };
      expect((await plane.request('POST', `/api/v1/audit/holds/${tenantId}/accept`, { token: ADMIN_TOKEN, body })).status).toBe(400);
    }
    for (const another of [{ size: newest.size, root: newest.root }, { size: 1 }, { root: newest.root }]) {
      expect(await acceptHold(plane, tenantId, another)).toMatchObject({ status: 409, body: { code: 'conflict', log_size: 0, log_root: seen.root } });
    }
    expect(await asSuperuser('select from audit_restores where tenant_id = $1', tenantId)).toMatchObject({ rowCount: 0 });
    expect((await acceptHold(plane, tenantId)).status).toBe(200);
    await released();
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true, restores: [{ size: 0, replaced_size: newest.size }] });
  });

  it('is measured against what was signed here: a hold that somebody edited says nothing, and is written anew', async () => {
    const stranger = ownSigner(newest.note);
    const [origin = ''] = newest.note.split('\n');
    const forged = signCheckpoint({ origin, size: 90, root: EMPTY_ROOT, time: '2026-01-31T09:30:00.000Z' }, stranger);
    const elsewhere = await newestCheckpoint(plane, ADMIN_TOKEN);
    await plane.stop();
    await start({ PROCESS_ROLE: 'api' });
    for (const [note, says] of [[forged, { size: 90, key: null }], [elsewhere.note, { size: elsewhere.size, key: null }], ['nothing', { size: null, root: null }]] as const) {
      await setMark(note);
      expect((await hold()).mark).toMatchObject({ note, verified: false, ...says });
      expect(await acceptHold(plane, tenantId)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('not signed by this installation') } });
    }
    // An older one is genuine; this process knows a later one.
    for (const note of [older.note, null]) {
      await setMark(note);
      expect((await hold()).mark).toMatchObject({ note: newest.note, size: newest.size, verified: true });
    }
    await setMark(forged);
    await plane.stop();
    await start();
    await eventually(async () => (await hold()).mark?.note === newest.note);
    expect((await acceptHold(plane, tenantId)).status).toBe(200);
    await released();
  });

  it('is measured by the keys alone where nothing else is known', async () => {
    await plane.stop();
    await start({ PROCESS_ROLE: 'api', WHEELHOUSE_DATA: join(folder, 'none') });
    expect((await hold()).mark).toMatchObject({ note: newest.note, verified: true });
    await setMark(newest.note.replace(newest.root, older.root));
    expect((await hold()).mark).toMatchObject({ size: newest.size, verified: false, key: null });
    expect((await acceptHold(plane, tenantId)).status).toBe(409);
    await plane.stop();
    await start();
  });
});

describe('a hold that somebody takes away in the database', () => {
  const peaksOf = async (): Promise<Buffer> => (await withAdmin((client) => client.query<{ peaks: Buffer }>('select peaks from audit_trees where tenant_id = $1', [tenantId]), database.name)).rows[0]!.peaks;
  const breakTree = (): Promise<unknown> => asSuperuser(`update audit_trees set peaks = '\\x00' where tenant_id = $1`, tenantId);
  let peaks: Buffer;
  beforeEach(async () => {
    peaks = await peaksOf();
    await breakTree();
    await createTask(plane, { title: 'While it is held' }, admin.token);
    await hold();
    await eventually(async () => (await isPassed()).length === 1);
  });
  /** Whether the sequencer has gone past the rows of the log that is held. */
  const isPassed = async (): Promise<object[]> =>
    (await withAdmin((client) => client.query<object>('select from audit_sequencer s where not exists (select from audit_log r where r.tenant_id = $1 and (r.tx, r.id) > (s.tx, s.id))', [tenantId]), database.name)).rows;
  /** In one statement: the log is right again and nobody has noticed. */
  const mend = (change: string): Promise<unknown> => asSuperuser(`with changed as (${change}) update audit_trees set peaks = $2 where tenant_id = $1`, tenantId, peaks);
  const allIsSealed = async (): Promise<void> => {
    await createTask(plane, { title: 'After it' }, admin.token);
    await eventually(async () => {
      const { ok: isOk, waiting } = await sealed(plane, admin.token);
      return isOk && waiting === 0;
    });
    await released();
  };

  it('leaves no row behind: those of meanwhile are sealed', async () => {
    await mend('delete from audit_holds where tenant_id = $1');
    await allIsSealed();
  });

  it('leaves none behind either when its place is moved', async () => {
    await mend('update audit_holds set tx = (select s.tx from audit_sequencer s), row_id = (select s.id from audit_sequencer s) where tenant_id = $1');
    await allIsSealed();
  });

  it('is there again while the log is wrong, with the place that it had, also after a restart', async () => {
    await eventually(() => Promise.resolve(readdirSync(folder).some((name) => readFileSync(join(folder, name), 'utf8').includes(`"held":{"tenant_id":"${tenantId}"`))));
    await plane.stop();
    await asSuperuser('delete from audit_holds where tenant_id = $1', tenantId);
    await start();
    expect(await hold()).toMatchObject({ kind: 'rewritten' });
    await plane.stop();
    await mend('delete from audit_holds where tenant_id = $1');
    await start();
    await allIsSealed();
  });
});
