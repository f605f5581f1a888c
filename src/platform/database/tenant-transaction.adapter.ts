import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import type { PoolClient } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { ClsServiceManager } from 'nestjs-cls';
import type { ContextStore } from '../context/request-context.js';
import { asError, commit } from './system-database.js';
import { BEGIN, beginFor } from './tenant-database.js';
import { assertNotOver, inScope, type Scope } from './transaction-scope.js';

export { afterCommit } from './transaction-scope.js';

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
        const tenantId = ClsServiceManager.getClsService<ContextStore>().get('tenantId');
        const { result, hooks } = await inScope((scope) =>
          inTenantTransaction(dataSource, tenantId, scope, async (manager) => {
            setClient(manager);
            return work();
          }).finally(() => setClient(undefined)),
        );
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
async function inTenantTransaction(dataSource: DataSource, tenantId: string | undefined, scope: Scope, work: (manager: EntityManager) => Promise<unknown>): Promise<unknown> {
  const runner = dataSource.createQueryRunner();
  const own = guard((await runner.connect()) as PoolClient, scope);
  let refusal: Error | undefined;
  const begun = own.query(tenantId ? beginFor(tenantId) : BEGIN).catch((error: unknown) => (refusal = asError(error)));
  markActive(runner, true);
  try {
    const result = await work(runner.manager);
    scope.open = false;
    await begun;
    if (refusal) throw refusal;
    await commit(own);
    return result;
  } catch (error) {
    scope.open = false;
    await begun;
    // A rollback that fails means a broken connection: the pool finds out, and the server rolls back by itself.
    await own.query('rollback').catch(() => undefined);
    throw refusal ?? error;
  } finally {
    own.release();
    markActive(runner, false);
    await runner.release();
  }
}

/**
 * While a connection is a transaction's, it takes no statement of what the transaction has started and did not wait for: not between its last statement
 * and its commit or rollback, and not behind that, where no tenant is set.
 * @returns what begins and ends the transaction
 */
function guard(client: PoolClient, scope: Scope): Pick<PoolClient, 'query'> & { release: () => void } {
  const query = client.query.bind(client);
  const guarded = (...values: Parameters<typeof query>): ReturnType<typeof query> => {
    assertNotOver(scope);
    return query(...values);
  };
  Object.defineProperty(client, 'query', { value: guarded, configurable: true, writable: true });
  return { query, release: () => void Reflect.deleteProperty(client, 'query') };
}

/** TypeORM refuses row locks on a runner that it does not know to be in a transaction. */
function markActive(runner: QueryRunner, active: boolean): void {
  (runner as { isTransactionActive: boolean }).isTransactionActive = active;
}
