import { Global, Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { ClsPluginTransactional } from '@nestjs-cls/transactional';
import { ClsModule } from 'nestjs-cls';
import { Config } from '../config/config.js';
import { DatabaseListener } from './listener.js';
import { OtherTenant } from './other-tenant.js';
import { poolOptions } from './pool-options.js';
import { Sql } from './sql.js';
import { SystemDatabase } from './system-database.js';
import { TenantDatabase } from './tenant-database.js';
import { TenantTransactionAdapter } from './tenant-transaction.adapter.js';
import { APP_ROLE } from './tenant-table.js';

/** The database: TypeORM and plain SQL as the running role, the system door, the listening connection. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Config],
      useFactory: (config: Config) => {
        const { connectionString, password, options, max, connectionTimeoutMillis, idleTimeoutMillis, onConnect } = poolOptions(config, APP_ROLE, config.get('DATABASE_POOL'));
        return {
          type: 'postgres' as const,
          url: connectionString,
          ...(password ? { password: password as string } : {}),
          autoLoadEntities: true,
          retryAttempts: 1,
          extra: { options, max, connectionTimeoutMillis, idleTimeoutMillis, onConnect, keepAlive: true, application_name: 'wheelhouse', pipeline: true },
          // An idle connection that breaks is replaced by the pool.
          poolErrorHandler: () => undefined,
          installExtensions: false,
        };
      },
    }),
    ClsModule.registerPlugins([
      new ClsPluginTransactional({ imports: [TypeOrmModule], adapter: new TenantTransactionAdapter({ dataSourceToken: getDataSourceToken() }) }),
    ]),
  ],
  providers: [Sql, OtherTenant, SystemDatabase, TenantDatabase, DatabaseListener],
  exports: [Sql, OtherTenant, SystemDatabase, TenantDatabase, DatabaseListener],
})
export class DatabaseModule {}
