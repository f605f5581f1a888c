import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type NoteKey, openCheckpoint, parseVerifierKey, rawPublicKey, signCheckpoint, verifierKey } from '../../src/core/audit/checkpoint.js';
import { newId } from '../../src/core/ids.js';
import { exported, newestCheckpoint, sealed, verifyOffline, verifyOnline } from '../support/audit-bundles.js';
import { tamperWith } from '../support/audit-tampering.js';
import { withAdmin } from '../support/databases.js';
import { createAgent, createTask, createTenant, createUser, ok, type SignedIn, unique } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

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
