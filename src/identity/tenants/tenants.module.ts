import { Global, Module } from '@nestjs/common';
import { TenantResolver } from '../../platform/auth/tenant-resolver.js';
import { TenantsReader } from './tenants.reader.js';

/** Tenants. */
@Global()
@Module({ providers: [{ provide: TenantResolver, useClass: TenantsReader }], exports: [TenantResolver] })
export class TenantsModule {}
