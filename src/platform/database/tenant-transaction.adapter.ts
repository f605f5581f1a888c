import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import type { DataSource } from 'typeorm';
import { ClsServiceManager } from 'nestjs-cls';
import type { AfterCommit, ContextStore } from '../context/request-context.js';

/**
 * Opens the transaction of `@Transactional()` for the context's tenant: `app.tenant_id` is set in it before anything
 * else runs, and is gone with it. What was left for `afterCommit` runs once the commit has been confirmed.
 */
export class TenantTransactionAdapter extends TransactionalAdapterTypeOrm {
  constructor(options: ConstructorParameters<typeof TransactionalAdapterTypeOrm>[0]) {
    super(options);
    const base = this.optionsFactory;
    this.optionsFactory = (dataSource: DataSource) => {
      const original = base(dataSource);
      return {
        ...original,
        wrapWithTransaction: async (txOptions, work, setClient) => {
          const cls = ClsServiceManager.getClsService<ContextStore>();
          const tenantId = cls.get('tenantId');
          const hooks: AfterCommit[] = [];
          try {
            return await dataSource
              .transaction(txOptions?.isolationLevel ?? 'READ COMMITTED', async (manager): Promise<unknown> => {
                if (tenantId) await manager.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
                cls.set('afterCommit', hooks);
                setClient(manager);
                return work();
              })
              .then(async (result: unknown) => {
                for (const hook of hooks) await hook();
                return result;
              });
          } finally {
            cls.set('afterCommit', undefined);
          }
        },
      };
    };
  }
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
