import type { LeafRow } from '../../src/core/audit/leaf.js';
import { GrowingTree } from '../../src/core/audit/merkle.js';
import { AuditKeys } from '../../src/safeguards/audit/audit-keys.js';
import { leafRowOf, SealBatch } from '../../src/safeguards/audit/seal-batch.js';
import { exported, sealed, verifyOffline, verifyOnline } from '../support/audit-bundles.js';
import { tamperWith } from '../support/audit-tampering.js';
import { createDatabase, type TestDatabase, withAdmin } from '../support/databases.js';
import { createTask, createTenant, createUser, type SignedIn } from '../support/factories.js';
import { type Plane, startPlane } from '../support/plane.js';

/** A log whose first rows were sealed by the version before, whose leaves do not say whose content a row has. */
describe('an audit log that was sealed before its leaves said whose content it is', () => {
  let database: TestDatabase;
  let plane: Plane;
  let admin: SignedIn;
  const start = async (role: string): Promise<void> => {
    plane = await startPlane({ database, environment: { TRUST_PROXY: 'loopback', PROCESS_ROLE: role } });
  };
  beforeAll(async () => {
    database = await createDatabase();
    await start('api');
    admin = await createUser(plane, { role: 'admin', tenant: (await createTenant(plane)).id });
    await createTask(plane, {}, admin.token);
    await sealAsBefore();
    await plane.stop();
    await start('all');
  });
  afterAll(async () => {
    await plane.stop();
    await database.drop();
  });

  const sealAsBefore = (): Promise<void> =>
    withAdmin(async (client) => {
      const { rows } = await client.query<{ row: LeafRow; tx: string; id: string; now: Date }>(`select ${leafRowOf('l')} as row, tx::text as tx, id, clock_timestamp() as now from audit_log l order by tx, id`);
      const [batch, signer] = [new SealBatch(client), await plane.app.get(AuditKeys).signer()];
      for (const [tenantId, own] of Map.groupBy(rows, ({ row }) => row.tenant_id)) {
        const tree = new GrowingTree();
        for (const { row } of own) {
          delete row.subject;
          batch.add(tree, { row });
        }
        batch.sign(tenantId, tree, signer, rows[0]!.now);
      }
      await batch.write();
      await client.query('update audit_sequencer set tx = $1, id = $2', [rows.at(-1)!.tx, rows.at(-1)!.id]);
    }, database.name);

  it('is right and goes on with those that do; each row is what its leaf says', async () => {
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: true });
    await createTask(plane, {}, admin.token);
    const { size, ...verified } = await sealed(plane, admin.token);
    expect(verified).toMatchObject({ ok: true, waiting: 0 });
    const bundle = await exported(plane, admin.token);
    expect(await verifyOffline(bundle)).toMatchObject({ code: 0 });
    const says = bundle.split('\n').filter((line) => line.startsWith('{"seq"')).map((line) => line.includes('"subject":'));
    expect([says.length, says[0], says.at(-1)]).toEqual([size, false, true]);
    await tamperWith(plane, admin.tenantId, (run) => run(`update audit_log set subject_type = 'agent', subject_id = 'somebody' where tenant_id = $1 and id = (select row_id from audit_leaves where tenant_id = $1 order by seq desc limit 1)`));
    expect(await verifyOnline(plane, admin.token)).toMatchObject({ ok: false, finding: { kind: 'edited', seq: size - 1 } });
  });
});
