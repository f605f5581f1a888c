import { TransactionHost } from '@nestjs-cls/transactional';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { afterCommit } from '../../src/platform/database/tenant-transaction.adapter.js';
import { Sql } from '../../src/platform/database/sql.js';
import { type Plane, startPlane } from '../support/plane.js';

describe('what is left for after the commit', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  it('may open a transaction of its own, which commits and has its own end', async () => {
    const [host, sql] = [plane.app.get(TransactionHost), plane.app.get(Sql)];
    const said: string[] = [];
    const note = (key: string) => sql.execute(`insert into settings (tenant_id, category, key, value) values ($1, 'test', $2, 'true')`, [OPERATOR_TENANT_ID, key]);
    await plane.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', async () => {
      await host.withTransaction(async () => {
        await note('first');
        afterCommit(async () => {
          expect(host.isTransactionActive()).toBe(false);
          await host.withTransaction(async () => {
            await note('second');
            afterCommit(() => void said.push('second'));
          });
        });
        afterCommit(() => void said.push('first'));
      });
      expect(host.isTransactionActive()).toBe(false);
      const rows = await host.withTransaction(() => sql.rows<{ key: string }>(`select key from settings where tenant_id = $1 and category = 'test' order by key`, [OPERATOR_TENANT_ID]));
      expect(rows.map(({ key }) => key)).toEqual(['first', 'second']);
    });
    expect(said).toEqual(['second', 'first']);
  });
});
