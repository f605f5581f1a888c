import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { openCheckpoint, parseVerifierKey } from '../../src/core/audit/checkpoint.js';
import { verifyConsistency, verifyInclusion } from '../../src/core/audit/merkle.js';
import { exported, newestCheckpoint, sealed, verifyOffline, verifyOnline } from '../support/audit-bundles.js';
import { tamperWith } from '../support/audit-tampering.js';
import { withAdmin } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { createTask, createTenant, createUser, ok, type SignedIn } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

interface Tree {
  size: number;
  root: string;
  note: string | null;
}

let plane: Plane;
let tenantId: string;
let admin: SignedIn;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
});
beforeEach(async () => {
  ({ id: tenantId } = await createTenant(plane));
  admin = await createUser(plane, { role: 'admin', tenant: tenantId });
});
afterAll(() => plane.stop());

const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
const get = <T>(path: string, token = admin.token): Promise<T> => ok(plane.request<T>('GET', `/api/v1/audit/${path}`, { token }));
const rowIds = (): Promise<string[]> =>
  withAdmin(async (client) => (await client.query<{ id: string }>('select row_id as id from audit_leaves where tenant_id = $1 order by seq', [tenantId])).rows.map(({ id }) => id), plane.database.name);
const INSERT = `insert into audit_log (tenant_id, id, actor_kind, actor_id, actor_label, action, outcome) values ($1, $2, 'system', 'test', 'test', 'test.row', 'done')`;

describe('the sequencer', () => {
  it('seals what happens into signed checkpoints, from which every row can be proved', async () => {
    for (let count = 0; count < 3; count += 1) {
      await createTask(plane, {}, admin.token);
      await sealed(plane, admin.token);
    }
    const ids = await rowIds();
    const { keys } = await get<{ keys: string[] }>('public-key');
    const { items } = await get<{ items: { size: number; root: string; note: string }[] }>('checkpoints');
    expect(items[0]?.size).toBe(ids.length);
    for (const { size, root, note } of items) expect(openCheckpoint(note, keys.map(parseVerifierKey))).toMatchObject({ size, root: bytes(root) });
    for (const [seq, id] of ids.entries()) {
      const proof = await get<{ seq: number; leaf_hash: string; path: string[]; tree: Tree }>(`proofs/inclusion?row=${id}`);
      expect([proof.seq, proof.tree.note]).toEqual([seq, items[0]?.note]);
      expect(verifyInclusion({ leaf: bytes(proof.leaf_hash), index: seq, size: proof.tree.size, path: proof.path.map(bytes), root: bytes(items[0]!.root) })).toBe(true);
    }
    const oldest = items.at(-1)!;
    const proof = await get<{ from: Tree; to: Tree; path: string[] }>(`proofs/consistency?from=${oldest.size}`);
    expect([proof.from.root, proof.to.root]).toEqual([oldest.root, items[0]?.root]);
    expect(verifyConsistency({ from: oldest.size, to: items[0]!.size, path: proof.path.map(bytes), fromRoot: bytes(oldest.root), toRoot: bytes(items[0]!.root) })).toBe(true);
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true, rows: ids.length, waiting: 0, finding: null });
  });

  it('misses no row of a transaction that commits late', async () => {
    const early = randomUUID();
    await withAdmin(async (client) => {
      await client.query('begin');
      await client.query(INSERT, [tenantId, early]);
      await createTask(plane, {}, admin.token);
      // Whatever comes after an open transaction waits for it: its rows would stand before these.
      expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
      await client.query('commit');
    }, plane.database.name);
    const { size } = await sealed(plane, admin.token);
    const ids = await rowIds();
    expect(ids).toHaveLength(size);
    expect(ids).toContain(early);
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
  });

  it.each(['audit_leaves', 'audit_nodes', 'audit_checkpoints', 'audit_trees', 'audit_sequencer'])('leaves a whole tree when it dies at %s', async (table) => {
    await sealed(plane, admin.token);
    await withAdmin(async (client) => {
      await client.query(`create function die() returns trigger language plpgsql security definer as $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`);
      await client.query(`create trigger die after insert or update on ${table} for each statement execute function die()`);
      const killed = async (): Promise<number> => Number((await client.query('select sessions_killed as n from pg_stat_database where datname = current_database()')).rows[0].n);
      const [before, deaths] = [await rowIds(), await killed()];
      await createTask(plane, {}, admin.token);
      // It tries again and again; each time its session is ended in the middle.
      await eventually(async () => (await killed()) >= deaths + 2);
      expect(await rowIds()).toEqual(before);
      expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true, waiting: 1 });
      await client.query(`drop function die() cascade`);
    }, plane.database.name);
    await sealed(plane, admin.token);
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true, waiting: 0 });
  });

  it('is one over all processes, and another takes over when it ends', async () => {
    const second = await startPlane({ database: plane.database });
    const leading = async (client: pg.Client): Promise<number | undefined> => (await client.query<{ pid: number }>(`select pid from pg_locks where locktype = 'advisory' and objid = (7305803924 % 4294967296)::bigint::oid and granted and database = (select oid from pg_database where datname = current_database())`)).rows[0]?.pid;
    try {
      await withAdmin(async (client) => {
        const leader = await eventually(async () => leading(client));
        await client.query('select pg_terminate_backend($1)', [leader]);
        await eventually(async () => ![undefined, leader].includes(await leading(client)));
      }, plane.database.name);
      await Promise.all(Array.from({ length: 20 }, (_, index) => createTask(index % 2 === 0 ? plane : second, {}, ADMIN_TOKEN)));
      await sealed(plane, ADMIN_TOKEN);
      expect(await verifyOnline(second, ADMIN_TOKEN)).toMatchObject({ ok: true });
    } finally {
      await second.stop();
    }
  });

  it('seals the rows of a version that knew nothing of sealing', async () => {
    await withAdmin((client) => client.query(INSERT.replace('outcome)', 'outcome, detail)').replace(`'done')`, `'done', '{"note": "old"}')`), [tenantId, randomUUID()]), plane.database.name);
    await sealed(plane, admin.token);
    const { items } = await ok(plane.request<{ items: unknown[] }>('GET', '/api/v1/admin/audit?action=test.row', { token: admin.token }));
    expect(items).toMatchObject([{ actor_label: 'test', detail: { note: 'old' }, erased: false }]);
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
  });
});

describe('the change', () => {
  it('does not happen when its row is refused', async () => {
    await withAdmin(async (client) => {
      await client.query(`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'the disk of the audit log is full'; end $$`);
      await client.query(`create trigger refuse before insert on audit_log for each row when (new.action like 'task.%') execute function refuse()`);
    }, plane.database.name);
    const answer = await plane.request('POST', '/api/v1/tasks', { token: admin.token, body: { title: 'never' } });
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer.body)).not.toContain('disk');
    await withAdmin((client) => client.query('drop function refuse() cascade'), plane.database.name);
    const { total } = await ok(plane.request<{ total: number }>('GET', '/api/v1/tasks', { token: admin.token }));
    expect(total).toBe(0);
    expect((await plane.request('POST', '/api/v1/tasks', { token: admin.token, body: { title: 'now' } })).status).toBe(201);
  });
});

describe('the rows', () => {
  it.each(['audit_log', 'audit_leaves', 'audit_nodes', 'audit_checkpoints'])('of %s are changed by nobody, not even their owner', async (table) => {
    await createTask(plane, {}, admin.token);
    await sealed(plane, admin.token);
    await withAdmin(async (client) => {
      for (const role of ['wheelhouse', 'wheelhouse_app', 'wheelhouse_system', 'postgres']) {
        await client.query(`set role ${role}`);
        await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantId]);
        for (const statement of [`update ${table} set tenant_id = tenant_id`, `delete from ${table}`, `truncate ${table}`]) {
          const outcome = await client.query(statement).then(() => 'done', (error: unknown) => (error as { code: string }).code);
          expect([role, statement, outcome]).toEqual([role, statement, '42501']);
        }
        await client.query('reset role');
      }
    }, plane.database.name);
  });
});

describe('the proofs', () => {
  it('are for administrators of the tenant alone', async () => {
    await sealed(plane, admin.token);
    const [row] = await rowIds();
    const stranger = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    await sealed(plane, stranger.token);
    const foreign = await plane.request('GET', `/api/v1/audit/proofs/inclusion?row=${row}`, { token: stranger.token });
    const absent = await plane.request('GET', `/api/v1/audit/proofs/inclusion?row=${randomUUID()}`, { token: stranger.token });
    expect([foreign.status, { ...foreign.body, request_id: null }]).toEqual([404, { ...absent.body, request_id: null }]);
    const person = await createUser(plane, { role: 'user', tenant: tenantId });
    for (const path of ['checkpoints', 'proofs/inclusion', 'proofs/consistency', 'verify', 'public-key', 'export']) {
      expect([path, (await plane.request('GET', `/api/v1/audit/${path}`, { token: person.token })).status]).toEqual([path, 403]);
      expect([path, (await plane.request('GET', `/api/v1/audit/${path}`)).status]).toEqual([path, 401]);
    }
  });

  it('name wrong sizes', async () => {
    await sealed(plane, admin.token);
    const { size } = await newestCheckpoint(plane, admin.token);
    for (const [path, field] of [[`inclusion?size=${size + 1000}`, 'size'], ['inclusion?size=0', 'size'], [`consistency?from=2&to=1`, 'from'], [`consistency?to=${size + 1000}`, 'to'], ['inclusion?row=x', 'row']] as const) {
      const answer = await plane.request<{ errors: { field: string }[] }>('GET', `/api/v1/audit/proofs/${path}`, { token: admin.token });
      expect([path, answer.status, answer.body.errors[0]?.field]).toEqual([path, 400, field]);
    }
    for (const query of ['?size=1', '?root=abc', `?size=1&root=${'A'.repeat(44)}`]) expect((await plane.request('GET', `/api/v1/audit/verify${query}`, { token: admin.token })).status).toBe(400);
  });

  it('are none whose nodes do not fit what was signed', async () => {
    const { size } = await someRows();
    await tamperWith(plane, tenantId, (run) => run('update audit_nodes set hash = sha256(hash) where tenant_id = $1'));
    expect(await statusOf(`inclusion?size=${size}`)).toBe(409);
  });

  it('are none of a stored tree of which a node was changed or taken away: that is found, and told from what is wrong with rows', async () => {
    await someRows();
    const node = 'tenant_id = $1 and level = 1 and index = 2';
    const damaged = async (detail: string): Promise<void> => {
      const verification = await verifyOnline(plane, admin.token);
      expect(verification).toMatchObject({ ok: false, rows: verification.size, finding: { kind: 'tree_damaged', seq: 4, row_id: null, detail: expect.stringMatching(detail) } });
      expect((await verifyOffline(await exported(plane, admin.token))).code).toBe(0);
      // A size without a checkpoint: a proof that does not hold is not given either.
      expect(await statusOf('inclusion?size=6')).toBe(409);
    };
    await tamperWith(plane, tenantId, (run) => run(`update audit_nodes set hash = sha256(hash) where ${node}`));
    await damaged('node 2 of level 1, over the rows 4 to 5, is not what they come to');
    await tamperWith(plane, tenantId, (run) => run(`delete from audit_nodes where ${node}`));
    await damaged('node 2 of level 1, over the rows 4 to 5, is missing');
    await tamperWith(plane, tenantId, (run) => run(`update audit_log set actor_id = 'x' where tenant_id = $1 and id = (select row_id from audit_leaves where tenant_id = $1 and seq = 7)`));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'edited', seq: 7 } });
  });

  async function someRows(): Promise<{ size: number }> {
    for (let task = 0; task < 8; task += 1) await createTask(plane, {}, admin.token);
    return sealed(plane, admin.token);
  }
  const statusOf = async (path: string): Promise<number> => (await plane.request('GET', `/api/v1/audit/proofs/${path}`, { token: admin.token })).status;
});
