import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import type { PoolClient } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { ClsServiceManager } from 'nestjs-cls';
import type { AfterCommit, ContextStore } from '../context/request-context.js';
import { retryConflicts } from './retry-conflicts.js';
import { asError, commit } from './system-database.js';
import { BEGIN, beginFor } from './tenant-database.js';
import { inScope } from './transaction-scope.js';

/**
 * Opens the transaction of `@Transactional()` for the context's tenant: `app.tenant_id` is set in it before anything
 * else runs, and is gone with it. What was left for `afterCommit` runs once the commit has been confirmed, and outside of
 * the transaction that is over.
 */
export class TenantTransactionAdapter extends TransactionalAdapterTypeOrm {
  constructor(options: ConstructorParameters<typeof TransactionalAdapterTypeOrm>[0]) {
    super(options);
    const base = this.optionsFactory;
    this.optionsFactory = (dataSource: DataSource) => ({
      ...base(dataSource),
      wrapWithTransaction: async (_options, work, setClient) => {
        const cls = ClsServiceManager.getClsService<ContextStore>();
        const tenantId = cls.get('tenantId');
        let hooks: AfterCommit[] = [];
        const once = (): Promise<unknown> =>
          inTenantTransaction(dataSource, tenantId, async (manager) => {
            // What an earlier try left for its commit went with it.
            cls.set('afterCommit', (hooks = []));
            setClient(manager);
            return work();
          }).finally(() => {
            cls.set('afterCommit', undefined);
            setClient(undefined);
          });
        const result: unknown = await inScope(() => retryConflicts(once));
        for (const hook of hooks) await hook();
        return result;
      },
    });
  }
}

/**
 * TypeORM's own `transaction()` takes three round trips before the first statement. Here the begin and the tenant leave
 * in one message together with the first statement: the pool's connections pipeline, and what is sent first runs first.
 */
async function inTenantTransaction(dataSource: DataSource, tenantId: string | undefined, work: (manager: EntityManager) => Promise<unknown>): Promise<unknown> {
  const runner = dataSource.createQueryRunner();
  const client = (await runner.connect()) as PoolClient;
  let refusal: Error | undefined;
  const begun = client.query(tenantId ? beginFor(tenantId) : BEGIN).catch((error: unknown) => (refusal = asError(error)));
  markActive(runner, true);
  try {
    const result = await work(runner.manager);
    await begun;
    if (refusal) throw refusal;
    await commit(client);
    return result;
  } catch (error) {
    await begun;
    // A rollback that fails means a broken connection: the pool finds out, and the server rolls back by itself.
    await client.query('rollback').catch(() => undefined);
    throw refusal ?? error;
  } finally {
    markActive(runner, false);
    await runner.release();
  }
}

/** TypeORM refuses row locks on a runner that it does not know to be in a transaction. */
function markActive(runner: QueryRunner, active: boolean): void {
  (runner as { isTransactionActive: boolean }).isTransactionActive = active;
}

/**
 * Runs `hook` after the running transaction has committed, before its caller gets the result.
 * @throws Error outside of a transaction: there is no commit to wait for
 */
export function afterCommit(hook: AfterCommit): void {
  const cls = ClsServiceManager.getClsService<ContextStore>();
  const hooks = cls.isActive() ? cls.get('afterCommit') : undefined;
  if (!hooks) throw new Error('afterCommit is called outside of a transaction.');
  hooks.push(hook);
}
