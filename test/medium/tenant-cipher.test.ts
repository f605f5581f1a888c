import { randomBytes } from 'node:crypto';
import { TransactionHost } from '@nestjs-cls/transactional';
import { parse } from 'uuid';
import { newId } from '../../src/core/ids.js';
import { Revocations } from '../../src/platform/cache/revocations.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { Keyring } from '../../src/platform/crypto/keyring.js';
import { seal } from '../../src/platform/crypto/sealing.js';
import { type SealedPlace, TenantCipher } from '../../src/platform/crypto/tenant-cipher.js';
import { Sql } from '../../src/platform/database/sql.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { createTenant } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

let plane: Plane;
let other: Plane;
beforeAll(async () => {
  plane = await startPlane();
  other = await startPlane({ database: plane.database });
});
afterAll(async () => {
  await other.stop();
  await plane.stop();
});

const cipher = (): TenantCipher => plane.app.get(TenantCipher);
const keysOf = (tenantId: string) =>
  plane.app.get(SystemDatabase).query<{ subject_type: string; wrapped: Buffer | null }>('select subject_type, wrapped from tenant_keys where tenant_id = $1', [tenantId]);
const inTransaction = <T>(tenantId: string, work: () => Promise<T>): Promise<T> =>
  plane.app.get(RequestContext).runAsSystem(tenantId, 'test', () => plane.app.get(TransactionHost).withTransaction(work));
const newPlace = async (more: Partial<SealedPlace> = {}): Promise<SealedPlace> => ({ tenantId: (await createTenant(plane)).id, row: 'a_table/1/text', ...more });

describe('sealing', () => {
  it('opens in its place alone, in every process, and never the same bytes twice', async () => {
    const place = await newPlace();
    const [one, two] = [await cipher().seal(place, 'canary ÄÖÜ 🔑'), await cipher().seal(place, 'canary ÄÖÜ 🔑')];
    expect(one.equals(two)).toBe(false);
    expect(one.includes('canary')).toBe(false);
    for (const sealed of [one, two]) expect([await cipher().open(place, sealed), await other.app.get(TenantCipher).open(place, sealed)]).toEqual(['canary ÄÖÜ 🔑', 'canary ÄÖÜ 🔑']);
    await expect(cipher().open({ ...place, row: 'a_table/2/text' }, one)).rejects.toThrow();
    await expect(cipher().open({ ...place, tenantId: (await createTenant(plane)).id }, one)).rejects.toThrow();
    for (const index of [1, 20, 30, one.length - 1]) {
      const changed = Buffer.from(one);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await expect(cipher().open(place, changed)).rejects.toThrow();
    }
  });

  it('makes one key for a subject, however many seal at once, and one for each agent that has its own', async () => {
    const place = await newPlace();
    const agent = { type: 'agent' as const, id: newId() };
    const sealed = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? plane : other).app.get(TenantCipher).seal({ ...place, ...(index % 4 < 2 ? { subject: agent } : {}) }, `text ${index}`)),
    );
    expect((await keysOf(place.tenantId)).map(({ subject_type }) => subject_type).sort()).toEqual(['agent', 'tenant']);
    for (const [index, bytes] of sealed.entries()) expect(await cipher().open(place, bytes)).toBe(`text ${index}`);
  });

  it('loses nothing while what is known of the keys is forgotten again and again', async () => {
    const place = await newPlace();
    const sealing = Array.from({ length: 300 }, async (_, index) => {
      for (let hop = 0; hop < index % 7; hop += 1) await Promise.resolve();
      return cipher().seal(place, `text ${index}`);
    });
    const forgetting = Array.from({ length: 40 }, () => plane.app.get(Revocations).revoke([`keys-of:${place.tenantId}`]));
    const sealed = await Promise.all(sealing);
    await Promise.all(forgetting);
    for (const [index, bytes] of sealed.entries()) expect(await other.app.get(TenantCipher).open(place, bytes)).toBe(`text ${index}`);
  });

  it('opens what was sealed in the form before, and no other form', async () => {
    const place = await newPlace();
    const key = await plane.app.get(Keyring).keyOf(place.tenantId, { type: 'tenant', id: place.tenantId });
    const before = Buffer.concat([Buffer.from([1]), parse(key.id), seal(key.key, Buffer.from('before'), `${place.tenantId}\n${place.row}`)]);
    expect(await cipher().open(place, before)).toBe('before');
    for (const form of [0, 2, 3]) await expect(cipher().open(place, Buffer.concat([Buffer.from([form]), before.subarray(1)]))).rejects.toThrow();
    for (const length of [0, 1, 16, 17, 30, 60]) await expect(cipher().open(place, (await cipher().seal(place, 'now')).subarray(0, length))).rejects.toThrow();
    // Bytes of keys are not where a log or a dump of the heap would show them.
    expect(JSON.stringify(key)).toBe(JSON.stringify({ id: key.id, key: {} }));
  });

  it('keeps the key of a transaction that is rolled back', async () => {
    const place = await newPlace();
    const sealed: Buffer[] = [];
    await expect(
      inTransaction(place.tenantId, async () => {
        sealed.push(await cipher().seal(place, 'kept'));
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await cipher().open(place, sealed[0]!)).toBe('kept');
  });
});

describe('a destroyed key', () => {
  it('opens nothing any more, in any process, and leaves the others', async () => {
    const place = await newPlace();
    const agent = { type: 'agent' as const, id: newId() };
    const [mine, theirs] = [await cipher().seal({ ...place, subject: agent }, 'of the agent'), await cipher().seal(place, 'of the tenant')];
    expect(await other.app.get(TenantCipher).open(place, mine)).toBe('of the agent');
    expect(await inTransaction(place.tenantId, () => plane.app.get(Keyring).destroy(place.tenantId, agent))).toBe(1);
    for (const { app } of [plane, other]) {
      await expect(app.get(TenantCipher).open(place, mine)).rejects.toMatchObject({ code: 'erased', status: 410 });
      expect(await app.get(TenantCipher).open(place, theirs)).toBe('of the tenant');
    }
    const again = await cipher().seal({ ...place, subject: agent }, 'anew');
    expect(await cipher().open(place, again)).toBe('anew');
    await inTransaction(place.tenantId, () => plane.app.get(Keyring).destroy(place.tenantId, 'all'));
    for (const sealed of [mine, theirs, again]) await expect(other.app.get(TenantCipher).open(place, sealed)).rejects.toMatchObject({ code: 'erased' });
    expect((await keysOf(place.tenantId)).map(({ wrapped }) => wrapped)).toEqual([null, null, null]);
  });
});

describe('the stored keys', () => {
  it('are wrapped, bound to their row, and out of reach for other tenants', async () => {
    const [place, foreign] = [await newPlace(), await newPlace()];
    const sealed = await cipher().seal(place, 'bound');
    await cipher().seal(foreign, 'bound');
    const seen = await inTransaction(foreign.tenantId, () => plane.app.get(Sql).rows<{ tenant_id: string }>('select tenant_id from tenant_keys'));
    expect(new Set(seen.map(({ tenant_id }) => tenant_id))).toEqual(new Set([foreign.tenantId]));
    const system = plane.app.get(SystemDatabase);
    await system.execute('update tenant_keys set wrapped = (select wrapped from tenant_keys where tenant_id = $2) where tenant_id = $1', [place.tenantId, foreign.tenantId]);
    const third = await startPlane({ database: plane.database });
    await expect(third.app.get(TenantCipher).open(place, sealed)).rejects.toThrow();
    await third.stop();
    expect(await system.query('select id from master_keys')).toMatchObject([{ id: expect.stringMatching(/^local:[0-9a-f]{16}$/) }]);
  });

  it('need their master key: a process with another one does not start', async () => {
    await cipher().seal(await newPlace(), 'something');
    const stranger = randomBytes(32).toString('hex');
    await expect(startPlane({ database: plane.database, environment: { MASTER_KEY: stranger } })).rejects.toThrow(/^the keys of this database are wrapped under another master key \(local:[0-9a-f]{16}; given is local:[0-9a-f]{16}\)/);
  });
});
