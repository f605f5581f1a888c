import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { EventLog } from '../../src/platform/events/event-log.js';
import { type Plane, startPlane } from '../support/plane.js';

describe('the event log', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
    await plane.app.get(SystemDatabase).query(
      `insert into events (id, tx, seq, tenant_id, name, data) overriding system value
       select gen_random_uuid(), tx, seq, $1, 'test.order', '{}' from (values (-10, 1), (-9, 1), (9, 9), (9, 10), (9, 11), (99, 1), (100, 1)) as e (tx, seq)`,
      [OPERATOR_TENANT_ID],
    );
  });
  afterAll(() => plane.stop());

  it.each([1, 2, 3, 100])('is read by number, not by letter, none twice and none left out, in batches of %d', async (limit) => {
    const log = plane.app.get(EventLog);
    for (const read of [(at: { tx: string; seq: string }) => log.after(at, limit), (at: { tx: string; seq: string }) => log.ofTenantAfter(OPERATOR_TENANT_ID, at, limit)]) {
      const seen: string[] = [];
      let position = { tx: '-100', seq: '0' };
      for (let batch = await read(position); batch.length > 0; batch = await read(position)) {
        seen.push(...batch.map((event) => `${event.position.tx}/${event.position.seq}`));
        position = batch.at(-1)?.position ?? position;
      }
      expect(seen).toEqual(['-10/1', '-9/1', '9/9', '9/10', '9/11', '99/1', '100/1']);
    }
  });
});
