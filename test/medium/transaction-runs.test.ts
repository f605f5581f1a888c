import { TransactionHost } from '@nestjs-cls/transactional';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { RequestContext } from '../../src/platform/context/request-context.js';
import { Sql } from '../../src/platform/database/sql.js';
import { afterCommit } from '../../src/platform/database/tenant-transaction.adapter.js';
import { beforeTransaction } from '../../src/platform/database/transaction-scope.js';
import { withAdmin } from '../support/databases.js';
import { type Plane, startPlane } from '../support/plane.js';

/** A transaction that is run again, and what its first run has started and did not wait for. */
describe('a transaction that is run again', () => {
  let plane: Plane;
  let host: TransactionHost;
  let sql: Sql;
  beforeAll(async () => {
    plane = await startPlane();
    [host, sql] = [plane.app.get(TransactionHost), plane.app.get(Sql)];
  });
  afterAll(() => plane.stop());

  const asSystem = <T>(work: () => Promise<T>): Promise<T> => plane.app.get(RequestContext).runAsSystem(OPERATOR_TENANT_ID, 'test', work);
  const INSERT = `insert into settings (tenant_id, category, key, value) values ($1, 'runs', $2, 'true')`;
  const note = (key: string): Promise<number> => sql.execute(INSERT, [OPERATOR_TENANT_ID, key]);
  const notes = (): Promise<string[]> => withAdmin(async (client) => (await client.query<{ key: string }>(`select key from settings where category = 'runs' order by key`)).rows.map(({ key }) => key), plane.database.name);
  afterEach(() => withAdmin((client) => client.query(`delete from settings where category = 'runs'`), plane.database.name));

  it('takes no statement and no hook of the run before', async () => {
    const [second, tried] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const [refused, hooks]: [string[], string[]] = [[], []];
    const refusal = async (work: () => unknown): Promise<void> => {
      await Promise.resolve().then(work).then(() => refused.push('none'), (error: unknown) => refused.push((error as Error).message));
    };
    let there = false;
    /** It goes on in the midst of the second run. */
    const late = async (): Promise<void> => {
      const { manager } = sql;
      await second.promise;
      await refusal(() => note('late'));
      await refusal(() => sql.manager.query(INSERT, [OPERATOR_TENANT_ID, 'late by the manager']));
      await refusal(() => manager.query(INSERT, [OPERATOR_TENANT_ID, 'late by the manager of then']));
      await refusal(() => afterCommit(() => void hooks.push('late')));
      tried.resolve(undefined);
    };
    await asSystem(() =>
      host.withTransaction(async () => {
        const run = there ? 'second' : 'first';
        await note(run);
        afterCommit(() => void hooks.push(run));
        if (!there) await Promise.all([late(), Promise.resolve().then(() => beforeTransaction('it', async () => void (there = true)))]);
        second.resolve(undefined);
        await tried.promise;
      }),
    );
    expect([await notes(), hooks]).toEqual([['second'], ['second']]);
    expect(refused).toEqual([expect.stringContaining('takes no more statements'), expect.stringContaining('takes no more statements'), expect.any(String), expect.stringContaining('outside of a transaction')]);
    expect(refused).not.toContain('none');
  });

  it('lets nothing through behind its rollback, where there is no transaction any more', async () => {
    const failed = Promise.withResolvers<undefined>();
    const outcome: string[] = [];
    let sibling: Promise<void> | undefined;
    await expect(
      asSystem(() =>
        host.withTransaction(async () => {
          const { manager } = sql;
          // Of no tenant, so that nothing but the transaction keeps it from being there.
          await manager.query('select 1');
          sibling = failed.promise.then(() => manager.query(`select set_config('app.tenant_id', $1, false)`, [OPERATOR_TENANT_ID]).then(() => outcome.push('done'), () => outcome.push('refused')).then(() => undefined));
          await Promise.resolve().then(() => {
            failed.resolve(undefined);
            throw new Error('it fails');
          });
        }),
      ),
    ).rejects.toThrow('it fails');
    await sibling;
    expect(outcome).toEqual(['refused']);
  });

  it('is run 200 times when it needs 200 things', async () => {
    const there = new Set<number>();
    await asSystem(() =>
      host.withTransaction(async () => {
        await note('once');
        for (let key = 0; key < 200; key += 1) if (!there.has(key)) beforeTransaction(`key ${key}`, async () => void there.add(key));
      }),
    );
    expect([there.size, await notes()]).toEqual([200, ['once']]);
  });
});
