import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signRestore } from '../../src/core/audit/restore-statement.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { TreeAssessor } from '../../src/safeguards/audit/tree-assessor.js';
import { exported, newestCheckpoint, sealed, verifyOffline, verifyOnline } from '../support/audit-bundles.js';
import { type Acceptance, acceptHold, type Hold, holdOf, holdsOf } from '../support/audit-holds.js';
import { ownSigner } from '../support/audit-forgers.js';
import { type Run, tamperWith } from '../support/audit-tampering.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

let database: TestDatabase;
let folder: string;
let plane: Plane;
let tenantId: string;
let admin: SignedIn;
let other: SignedIn;

const start = async (environment: Record<string, string> = {}): Promise<void> => {
  plane = await startPlane({ database, environment: { TRUST_PROXY: 'loopback', WHEELHOUSE_DATA: folder, ...environment } });
};
const someone = async (): Promise<SignedIn> => createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
beforeAll(async () => {
  database = await createDatabase();
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-marks-'));
  await start();
  other = await someone();
});
beforeEach(async () => {
  admin = await someone();
  ({ tenantId } = admin);
  for (let count = 0; count < 2; count += 1) {
    await createTask(plane, {}, admin.token);
    await sealed(plane, admin.token);
  }
});
afterAll(async () => {
  await plane.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const tamper = (work: (run: Run) => Promise<unknown>): Promise<void> => tamperWith(plane, tenantId, work);
/** A row is edited, the tree taken away, and the sequencer sent back to the beginning: so that it seals what is there now. */
const sealAnew = (): Promise<void> =>
  tamper(async (run) => {
    await run(`update audit_log set actor_id = 'somebody else' where id = (select row_id from audit_leaves where tenant_id = $1 and seq = 1)`);
    const gone = ['audit_leaves', 'audit_nodes', 'audit_checkpoints', 'audit_trees'].map((table) => `no_${table} as (delete from ${table} where tenant_id = $1)`);
    await run(`with ${gone.join(', ')} update audit_sequencer set tx = -1`);
  });
const holds = (token = ADMIN_TOKEN): Promise<Hold[]> => holdsOf(plane, token);
const held = (id = tenantId): Promise<Hold> => holdOf(plane, id);
const released = (id = tenantId): Promise<unknown> => eventually(async () => (await holds()).every((hold) => hold.tenant_id !== id));
const accept = (id: string, token = ADMIN_TOKEN, change: Acceptance = {}) => acceptHold(plane, id, { token, ...change });
const checkpoints = async (): Promise<number> => Number((await withAdmin((client) => client.query('select count(*)::int as n from audit_checkpoints where tenant_id = $1', [tenantId]), database.name)).rows[0].n);
/** The others are sealed as ever, once. */
async function othersGoOn(): Promise<void> {
  await createTask(plane, {}, other.token);
  expect(await sealed(plane, other.token)).toMatchObject({ ok: true, waiting: 0 });
}
const metric = async (name: string): Promise<string | undefined> => new RegExp(`^${name} (.+)$`, 'm').exec(await (await fetch(`${plane.url}/metrics`)).text())?.[1];

describe('a history that was changed, to be sealed anew', () => {
  it('is not signed by the plane that runs, and stops no other log', async () => {
    await sealAnew();
    expect(await held()).toMatchObject({ kind: 'restored', detail: expect.stringContaining('accept') });
    await createTask(plane, {}, admin.token);
    await othersGoOn();
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'restored' } });
    expect(await checkpoints()).toBe(0);
    await eventually(async () => Number(await metric('wheelhouse_audit_held_tenants')) > 0);
  });

  it('is not signed by one that was stopped meanwhile', async () => {
    const kept = await newestCheckpoint(plane, admin.token);
    await plane.stop();
    const file = join(folder, readdirSync(folder).find((name) => name.startsWith('audit-marks.'))!);
    expect([statSync(file).mode & 0o777, readFileSync(file, 'utf8')]).toEqual([0o600, expect.stringContaining(tenantId)]);
    await sealAnew();
    await start();
    expect(await held()).toMatchObject({ kind: 'restored' });
    await othersGoOn();
    expect(await checkpoints()).toBe(0);
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'restored' } });

    // Whoever accepts that begins a log anew, and it says so.
    expect((await accept(tenantId)).status).toBe(200);
    await released();
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true, waiting: 0, restores: [{ size: 0, replaced_size: kept.size }] });
    expect(await verifyOnline(plane, admin.token, `?size=${kept.size}&root=${encodeURIComponent(kept.root)}`)).toMatchObject({ ok: false, finding: { kind: 'rewritten' } });
  });
});

describe('an old backup that is put back', () => {
  /** Back to what the database was before, while the plane is stopped; the data folder stays. */
  async function restoreAfter(work: () => Promise<void>): Promise<void> {
    const backup = `${database.name}_backup`;
    await plane.stop();
    await withAdmin((client) => client.query(`create database ${backup} template ${database.name}`));
    await start();
    await work();
    await plane.stop();
    await withAdmin(async (client) => {
      await client.query(`drop database ${database.name} with (force)`);
      await client.query(`alter database ${backup} rename to ${database.name}`);
    });
    await start();
  }

  it('is found and named without a checkpoint from elsewhere, and goes on when the operator has accepted it, on record', async () => {
    let kept = { size: 0, root: '', note: '' };
    await restoreAfter(async () => {
      await createTask(plane, { title: 'After the backup' }, admin.token);
      await sealed(plane, admin.token);
      kept = await newestCheckpoint(plane, admin.token);
    });
    expect(await held()).toMatchObject({ kind: 'restored' });
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'restored', seq: kept.size - 1 } });
    expect((await holds(admin.token)).map((hold) => hold.tenant_id)).toEqual([tenantId]);
    const waiting = await createTask(plane, { title: 'While it is held' }, admin.token);
    const user = await createUser(plane, { role: 'user', tenant: tenantId });
    expect((await accept(tenantId, user.token)).status).toBe(403);
    expect((await accept(tenantId, admin.token)).status).toBe(403);
    expect((await accept(tenantId, other.token)).status).toBe(404);
    expect((await accept(tenantId, ADMIN_TOKEN, { reason: '' })).status).toBe(400);
    expect((await accept(randomUUID())).status).toBe(404);
    await othersGoOn();

    const forged = signRestore({ origin: kept.note.split('\n')[0]!, size: kept.size - 1, root: Buffer.from((await newestCheckpoint(plane, admin.token)).root, 'base64'), time: new Date().toISOString(), mark: kept.note, reason: 'forged', by: { kind: 'user', id: 'x' } }, ownSigner(kept.note));
    await withAdmin((client) => client.query('insert into audit_restores values ($1, $2, $3)', [tenantId, randomUUID(), forged]), database.name);
    const [look] = await plane.app.get(TreeAssessor).assess((text, values) => plane.app.get(SystemDatabase).query(text, values), [tenantId]);
    expect(look).toMatchObject({ finding: { kind: 'restored' } });
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'restored' }, restores: [] });

    expect((await accept(tenantId)).body).toMatchObject({ size: kept.size - 1, replaced_size: kept.size, reason: 'a restore that was meant', by_kind: 'bootstrap' });
    await released();
    const verified = await sealed(plane, admin.token);
    expect(verified).toMatchObject({ ok: true, waiting: 0, restores: [{ size: kept.size - 1, replaced_size: kept.size, reason: 'a restore that was meant' }] });
    const bundle = await exported(plane, admin.token);
    expect(bundle).toContain(waiting.id);
    expect(await verifyOffline(bundle)).toMatchObject({ code: 0 });
    expect(await verifyOffline(bundle, { checkpoint: kept.note })).toMatchObject({ code: 1 });
    expect(await verifyOnline(plane, admin.token, `?size=${kept.size}&root=${encodeURIComponent(kept.root)}`)).toMatchObject({ ok: false });
    for (const token of [ADMIN_TOKEN, admin.token]) {
      const { items } = await ok(plane.request<{ items: unknown[] }>('GET', `/api/v1/admin/audit?action=audit.accept_restore&resource_id=${tenantId}`, { token }));
      expect(items).toMatchObject([{ resource_id: tenantId, detail: { reason: 'a restore that was meant', size: kept.size - 1 } }]);
    }
    const order = await withAdmin((client) => client.query<{ seq: string }>('select l.seq from audit_leaves l join audit_log r on r.tenant_id = l.tenant_id and r.id = l.row_id where l.tenant_id = $1 order by r.tx, r.id', [tenantId]), database.name);
    expect(order.rows.map(({ seq }) => Number(seq))).toEqual(order.rows.map((_, index) => index));
  });

  it('that was accepted once is not accepted once more', async () => {
    await restoreAfter(() => createTask(plane, {}, admin.token).then(() => sealed(plane, admin.token)).then(() => undefined));
    await held();
    expect((await accept(tenantId)).status).toBe(200);
    await released();
    // The acceptance stays in the database that is put back.
    const accepted = await withAdmin((client) => client.query('select * from audit_restores where tenant_id = $1', [tenantId]), database.name);
    expect(accepted.rows).toHaveLength(1);
    const { size } = await sealed(plane, admin.token);
    await restoreAfter(() => createTask(plane, {}, admin.token).then(() => sealed(plane, admin.token)).then(() => undefined));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'restored', seq: size } });
  });
});

describe('a tree that is broken', () => {
  it('stops no other log; mended, it goes on by itself, and nothing is lost', async () => {
    const { rows: [tree] } = await withAdmin((client) => client.query<{ peaks: Buffer }>('select peaks from audit_trees where tenant_id = $1', [tenantId]), database.name);
    await withAdmin((client) => client.query(`update audit_trees set peaks = '\\x00' where tenant_id = $1`, [tenantId]), database.name);
    await createTask(plane, {}, admin.token);
    await othersGoOn();
    expect(await held()).toMatchObject({ kind: 'rewritten' });
    expect((await accept(tenantId)).status).toBe(409);
    await withAdmin((client) => client.query('update audit_trees set peaks = $2 where tenant_id = $1', [tenantId, tree!.peaks]), database.name);
    await released();
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true, waiting: 0 });
  });

  it('stops no other log where the tables refuse its rows', async () => {
    const { size } = await newestCheckpoint(plane, admin.token);
    const level = Math.log2((size + 1) & -(size + 1));
    // Where the next row completes a subtree there is a node already; when it completes none, at its leaf's place.
    await tamper((run) => run(level > 0 ? `insert into audit_nodes values ($1, ${level}, ${((size + 1) >> level) - 1}, sha256('x'))` : `insert into audit_leaves values ($1, ${size}, gen_random_uuid(), sha256('x'))`));
    await createTask(plane, {}, admin.token);
    await othersGoOn();
    await held();
  });

  it('is no matter when somebody moves the sequencer back: no row is sealed twice', async () => {
    await tamper((run) => run('update audit_sequencer set tx = -1 where $1::uuid is not null'));
    await createTask(plane, {}, admin.token);
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true, waiting: 0 });
    await othersGoOn();
  });
});

describe('a data folder', () => {
  it('that cannot be written, or holds marks of another installation, keeps no row from being sealed, and is told', async () => {
    await plane.stop();
    writeFileSync(join(folder, `audit-marks.${randomUUID()}.jsonl`), '');
    await start();
    await createTask(plane, {}, admin.token);
    await sealed(plane, admin.token);
    await eventually(async () => (await metric('wheelhouse_audit_foreign_marks')) === '1');
    await plane.stop();
    writeFileSync(join(folder, 'file'), '');
    await start({ WHEELHOUSE_DATA: join(folder, 'file') });
    await createTask(plane, {}, admin.token);
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true });
    await eventually(async () => (await metric('wheelhouse_audit_marks_failing')) === '1');
  });
});
