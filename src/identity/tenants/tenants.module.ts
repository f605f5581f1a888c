import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { TenantResolver } from '../../platform/auth/tenant-resolver.js';
import { OperatorTenant } from './operator-tenant.port.js';
import { PlanLimitsRepository } from './plan-limits.repository.js';
import { PlanLimitsService } from './plan-limits.service.js';
import { Tenant } from './tenant.entity.js';
import { TenantPurges } from './tenant-purges.port.js';
import { TenantPurgesService } from './tenant-purges.service.js';
import { TenantsController } from './tenants.controller.js';
import { TenantsReader } from './tenants.reader.js';
import { TenantsRepository } from './tenants.repository.js';
import { TenantsService } from './tenants.service.js';

/** Tenants. Global for the two ports that nearly everyone asks. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Tenant])],
  controllers: [TenantsController],
  providers: [
    TenantsRepository,
    TenantsService,
    PlanLimitsRepository,
    PlanLimitsService,
    { provide: PlanLimits, useExisting: PlanLimitsService },
    { provide: OperatorTenant, useExisting: TenantsService },
    { provide: TenantPurges, useClass: TenantPurgesService },
    { provide: TenantResolver, useClass: TenantsReader },
  ],
  exports: [TenantResolver, OperatorTenant, TenantPurges, PlanLimits],
})
export class TenantsModule {}
