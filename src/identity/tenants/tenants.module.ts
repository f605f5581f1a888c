import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantResolver } from '../../platform/auth/tenant-resolver.js';
import { OperatorTenant } from './operator-tenant.port.js';
import { Tenant } from './tenant.entity.js';
import { TenantsController } from './tenants.controller.js';
import { TenantsReader } from './tenants.reader.js';
import { TenantsRepository } from './tenants.repository.js';
import { TenantsService } from './tenants.service.js';

/** Tenants. Global for the one port that the access guard asks. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Tenant])],
  controllers: [TenantsController],
  providers: [
    TenantsRepository,
    TenantsService,
    { provide: OperatorTenant, useExisting: TenantsService },
    { provide: TenantResolver, useClass: TenantsReader },
  ],
  exports: [TenantResolver, OperatorTenant],
})
export class TenantsModule {}
