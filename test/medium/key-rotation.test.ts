import { randomBytes } from 'node:crypto';
import { newId } from '../../src/core/ids.js';
import { KeyRotation } from '../../src/platform/crypto/key-rotation.js';
import { LocalMasterKey, masterKeyBytes, type MasterKey } from '../../src/platform/crypto/master-key.js';
import { type SealedPlace, TenantCipher } from '../../src/platform/crypto/tenant-cipher.js';
import { withAdmin } from '../support/databases.js';
import { createTenant } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';
import { MASTER_KEY } from '../support/requests.js';

/** A master key that is asked for a while, in which others go on. */
const slow = (key: MasterKey, meanwhile: () => Promise<void>): MasterKey => ({
  id: key.id,
  isFarAway: true,
  wrap: async (bytes, about) => {
    await meanwhile();
    return key.wrap(bytes, about);
  },
  unwrap: (wrapped, about) => key.unwrap(wrapped, about),
});

describe('the rotation of the master key', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  it('locks nothing while a key service is asked, and leaves what was destroyed meanwhile', async () => {
    const tenantId = (await createTenant(plane)).id;
    const places = Array.from({ length: 3 }, (): SealedPlace => ({ tenantId, row: 'test', subject: { type: 'agent', id: newId() } }));
    const [current, next] = [new LocalMasterKey(masterKeyBytes(MASTER_KEY)!), new LocalMasterKey(randomBytes(32))];
    for (const place of places) await plane.app.get(TenantCipher).seal(place, 'text');
    const destroyed = places[1]!.subject!.id;
    await withAdmin(
      (admin) =>
        withAdmin(async (other) => {
          const rotation = new KeyRotation(admin);
          await rotation.begin();
          await rotation.switchTo(next);
          let asked = 0;
          const master = slow(next, async () => {
            if ((asked += 1) > 1) return;
            await other.query('begin; select 1 from tenant_keys for update nowait');
            await other.query('update tenant_keys set wrapped = null, destroyed_at = now() where subject_id = $1', [destroyed]);
            await other.query('commit');
          });
          const known = new Map([[current.id, current]]);
          while ((await rotation.rewrapSome(master, known)) > 0);
          const { rows } = await other.query<{ subject_id: string; wrapped: Buffer | null; master_key_id: string }>('select subject_id, wrapped, master_key_id from tenant_keys where tenant_id = $1', [tenantId]);
          const agents = rows.filter(({ subject_id: id }) => places.some(({ subject }) => subject?.id === id));
          expect(agents).toHaveLength(3);
          for (const { subject_id: id, wrapped, master_key_id: masterId } of agents) expect([wrapped === null, masterId]).toEqual(id === destroyed ? [true, current.id] : [false, next.id]);
          expect(asked).toBeGreaterThan(2);
        }, plane.database.name),
      plane.database.name,
    );
  });
});
