import { execFile } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type NoteKey, openCheckpoint, parseVerifierKey, rawPublicKey, signCheckpoint, verifierKey } from '../../src/core/audit/checkpoint.js';
import { newId } from '../../src/core/ids.js';
import { exported, newestCheckpoint, sealed, verifyOffline, verifyOnline } from '../support/audit-bundles.js';
import { tamperWith } from '../support/audit-tampering.js';
import { withAdmin } from '../support/databases.js';
import { createAgent, createTask, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';
import { MASTER_KEY } from '../support/requests.js';

let plane: Plane;
let tenantId: string;
let admin: SignedIn;
beforeAll(async () => {
  plane = await startPlane({ environment: { TRUST_PROXY: 'loopback' } });
});
beforeEach(async () => {
  ({ id: tenantId } = await createTenant(plane));
  admin = await createUser(plane, { role: 'admin', tenant: tenantId });
  await createTask(plane, {}, admin.token);
  await sealed(plane, admin.token);
});
afterAll(() => plane.stop());

const asSuperuser = <T extends object>(sql: string, ...values: unknown[]): Promise<T[]> => withAdmin(async (client) => (await client.query<T>(sql, values)).rows, plane.database.name);
const publicKeys = async (): Promise<{ origin: string; keys: string[] }> => ok(plane.request<{ origin: string; keys: string[] }>('GET', '/api/v1/audit/public-key', { token: admin.token }));

describe('a public key that somebody put into the database', () => {
  let forger: NoteKey;
  let forged: string;
  beforeEach(async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    forger = { name: parseVerifierKey((await publicKeys()).keys[0]!).name, key: privateKey };
    forged = verifierKey(forger);
    await asSuperuser('insert into audit_keys (id, purpose, public_key) values ($1, $2, $3)', newId(), 'checkpoint', rawPublicKey(createPublicKey(privateKey)));
  });
  afterEach(() => asSuperuser(`delete from audit_keys where public_key = $1`, rawPublicKey(forger.key)));

  it('is named, and what is signed with it is not believed, online or in an export', async () => {
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'foreign', detail: expect.stringContaining(forged) } });
    expect((await publicKeys()).keys).not.toContain(forged);
    const { origin } = await publicKeys();
    await tamperWith(plane, tenantId, async (run) => {
      for (const { size, root } of (await run('select size, root from audit_checkpoints where tenant_id = $1')).rows as { size: string; root: Buffer }[]) {
        await run('update audit_checkpoints set note = $3 where tenant_id = $1 and size = $2', size, signCheckpoint({ origin, size: Number(size), root, time: new Date().toISOString() }, forger));
      }
    });
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'foreign', detail: expect.stringContaining(forged) } });
    const bundle = await exported(plane, admin.token);
    expect(bundle).not.toContain(forged);
    expect(await verifyOffline(bundle)).toMatchObject({ code: 1, text: expect.stringContaining('TAMPERED: unsigned') });
    expect(await verifyOffline(bundle, { key: forged })).toMatchObject({ code: 1 });
  });

  it('does not become the one that signs, with whatever stands as its secret', async () => {
    await asSuperuser(`update audit_keys set created_at = now() + interval '1 hour', sealed_key = (select sealed_key from audit_keys where purpose = 'checkpoint' and sealed_key is not null limit 1) where public_key = $1`, rawPublicKey(forger.key));
    await createTask(plane, {}, admin.token);
    expect(await sealed(plane, admin.token)).toMatchObject({ waiting: 0, finding: { kind: 'foreign' } });
    const { note } = await newestCheckpoint(plane, admin.token);
    expect(() => openCheckpoint(note, [parseVerifierKey(forged)])).toThrow('not signed');
    expect(openCheckpoint(note, (await publicKeys()).keys.map(parseVerifierKey)).size).toBeGreaterThan(0);
  });
});

describe('a key that is said to be destroyed', () => {
  const named = async (kind: string): Promise<void> => {
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind } });
    expect(await verifyOffline(await exported(plane, admin.token))).toMatchObject({ code: 1, text: expect.stringContaining(`TAMPERED: ${kind}`) });
  };

  it('hides nothing, unless a purge said so', async () => {
    const agent = await createAgent(plane, {}, admin.token);
    await sealed(plane, admin.token);
    // Another process: this one may have the key in memory still.
    await asSuperuser(`update tenant_keys set wrapped = null, destroyed_at = now(), final = true where tenant_id = $1 and subject_id = $2`, tenantId, agent.id);
    const second = await startPlane({ database: plane.database });
    try {
      const found = await ok(second.request<{ finding: { kind: string } }>('GET', '/api/v1/audit/verify', { token: admin.token }));
      expect(found).toMatchObject({ ok: false, finding: { kind: 'content_missing' } });
      const { items } = await ok(second.request<{ items: { actor_label: string; erased: boolean }[] }>('GET', `/api/v1/admin/audit?resource_id=${agent.id}`, { token: admin.token }));
      expect(items).toMatchObject([{ actor_label: '[missing]', erased: false }]);
    } finally {
      await second.stop();
    }
  });

  it('hides no row that is given to somebody who was purged', async () => {
    const [agent, other] = [await createAgent(plane, {}, admin.token), await createAgent(plane, {}, admin.token)];
    await ok(plane.request('POST', '/api/v1/compliance/purge', { token: admin.token, body: { entity_type: 'agent', entity_id: agent.id } }));
    await sealed(plane, admin.token);
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
    await tamperWith(plane, tenantId, (run) => run(`update audit_log set content = null, subject_type = 'agent', subject_id = $3 where tenant_id = $1 and resource_id = $2 and action = 'agent.create'`, other.id, agent.id));
    await named('edited');
  });

  it('hides nothing though somebody writes of a purge that there was none of', async () => {
    const agent = await createAgent(plane, {}, admin.token);
    await asSuperuser(
      `insert into audit_log (tenant_id, id, actor_kind, actor_id, actor_label, action, outcome, resource_type, resource_id, detail) values ($1, $2, 'user', 'x', 'x', 'compliance.purge', 'done', 'agent', $3, $4)`,
      tenantId, newId(), agent.id, JSON.stringify({ purge_id: newId(), reason: null, entity_type: 'agent', entity_id: agent.id }),
    );
    await sealed(plane, admin.token);
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
    await tamperWith(plane, tenantId, (run) => run(`update audit_log set content = null where tenant_id = $1 and resource_id = $2 and action = 'agent.create'`, agent.id));
    await named('content_missing');
  });
});

describe('the name of who was purged', () => {
  it('is not to be guessed by searching for it', async () => {
    const agent = await createAgent(plane, { name: unique('guessed') }, admin.token);
    const { token } = agent;
    // What it may not do is on record, with its name.
    expect((await plane.request('GET', '/api/v1/admin/users', { token })).status).toBe(403);
    const { items: [own] } = await ok(plane.request<{ items: [{ actor_label: string }] }>('GET', `/api/v1/admin/audit?actor=${agent.id}`, { token: admin.token }));
    const search = async (): Promise<number> => (await ok(plane.request<{ items: unknown[]; total: number }>('GET', `/api/v1/admin/audit?actor=${encodeURIComponent(own.actor_label)}`, { token: admin.token }))).total;
    expect(await search()).toBeGreaterThan(0);
    await ok(plane.request('POST', '/api/v1/compliance/purge', { token: admin.token, body: { entity_type: 'agent', entity_id: agent.id } }));
    expect(await search()).toBe(0);
    const byId = await ok(plane.request<{ total: number }>('GET', `/api/v1/admin/audit?actor=${agent.id}`, { token: admin.token }));
    expect(byId.total).toBeGreaterThan(0);
  });
});

describe('npx wheelhouse keys rotate-audit', () => {
  const rotate = async (): Promise<string> =>
    (await promisify(execFile)(process.execPath, [join('dist', 'cli', 'main.js'), 'keys', 'rotate-audit'], { env: { PATH: process.env['PATH'], DATABASE_URL: plane.database.url, MASTER_KEY } })).stdout;
  const signing = (): Promise<{ id: string }[]> => asSuperuser<{ id: string }>(`select id from audit_keys where purpose = 'checkpoint' and sealed_key is not null`);

  it('replaces the key while the log is sealed, and both keys lead to each other', async () => {
    const [old, held] = [(await publicKeys()).keys[0]!, (await signing())[0]!];
    const before = await exported(plane, admin.token);
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) await createTask(plane, {}, admin.token);
    })();
    const output = await rotate();
    // One that is sealed from now on is signed with the new key: nothing is waited for.
    const [{ time }] = await asSuperuser<{ time: Date }>('select clock_timestamp() as time') as [{ time: Date }];
    await createTask(plane, {}, admin.token);
    stop.abort();
    await writing;
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true, finding: null });

    const { keys, handovers } = await ok(plane.request<{ keys: string[]; handovers: string[] }>('GET', '/api/v1/audit/public-key', { token: admin.token }));
    expect([keys.length, keys[0], handovers.length, output.includes(keys[1]!)]).toEqual([2, old, 1, true]);
    const notes = await asSuperuser<{ note: string; created_at: Date }>('select note, created_at from audit_checkpoints where tenant_id = $1 order by size', tenantId);
    const isNew = notes.map(({ note }) => note.includes(signatureStart(keys[1]!)));
    expect([isNew[0], isNew.at(-1), isNew.lastIndexOf(false) + 1]).toEqual([false, true, isNew.indexOf(true)]);
    expect(notes.filter(({ created_at }, index) => created_at > time && !isNew[index])).toEqual([]);

    const bundle = await exported(plane, admin.token);
    for (const key of [undefined, old, keys[1]!, keys.join('\n')]) expect(await verifyOffline(bundle, key === undefined ? {} : { key })).toMatchObject({ code: 0 });
    expect((await verifyOffline(bundle, { key: old })).text).toContain(`${old} and ${keys[1]!} have signed that one follows the other`);
    expect(await verifyOffline(bundle.replace(/"handovers":\[[^\]]*\]/, '"handovers":[]'), { key: old })).toMatchObject({ code: 1 });
    expect(await verifyOffline(before, { key: old })).toMatchObject({ code: 0 });

    const rows = await asSuperuser<{ sealed_key: Buffer | null }>('select sealed_key from audit_keys where id = $1', held.id);
    expect(rows).toEqual([{ sealed_key: null }]);
    const { items } = await ok(plane.request<{ items: unknown[] }>('GET', '/api/v1/admin/audit?action=audit.rotate_key', { token: ADMIN_TOKEN }));
    expect(items).toMatchObject([{ actor_kind: 'system', resource_type: 'audit_key', detail: { from: old, to: keys[1] } }]);
    expect(await sealed(plane, ADMIN_TOKEN)).toMatchObject({ ok: true });

    // The old one is believed for what was sealed of it, not for standing there.
    const { publicKey } = generateKeyPairSync('ed25519');
    await asSuperuser('update audit_keys set public_key = $2 where id = $1', held.id, rawPublicKey(publicKey));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'foreign' } });
    await asSuperuser('update audit_keys set public_key = $2 where id = $1', held.id, rawPublicKey(parseVerifierKey(old).key));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
  }, 60_000);

  it('does all or nothing', async () => {
    const [keys, held] = [await publicKeys(), await signing()];
    await asSuperuser(`create function die() returns trigger language plpgsql security definer as $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`);
    await asSuperuser(`create trigger die after insert on audit_log for each row when (new.action = 'audit.rotate_key') execute function die()`);
    try {
      await expect(rotate()).rejects.toThrow('wheelhouse:');
    } finally {
      await asSuperuser('drop function die() cascade');
    }
    expect([await publicKeys(), await signing()]).toEqual([keys, held]);
    await createTask(plane, {}, admin.token);
    expect(await sealed(plane, admin.token)).toMatchObject({ ok: true });
  });
});

/** What a signature by a key begins with: its name, and the first bytes of its id. */
function signatureStart(verifier: string): string {
  const [name, id = ''] = verifier.split('+');
  return `\u2014 ${name} ${Buffer.from(id, 'hex').toString('base64').slice(0, 5)}`;
}
