import { Body, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { TenantUsageView, toUsageView } from './plan-limits.view.js';
import { CreateTenantDto, ListTenantsQuery, SuspendTenantDto, UpdateTenantDto } from './tenants.dto.js';
import { TenantsService } from './tenants.service.js';
import { TenantView, toTenantView } from './tenants.view.js';

@ApiController('tenants', 'Identity / Tenants')
export class TenantsController {
  constructor(private readonly tenants: TenantsService) {}

  /** Lists tenants, newest first. Administrators of other tenants than the operator's see their own alone. */
  @Get()
  @Operation({ id: 'listTenants', allow: 'tenant:read', returns: pageOf(TenantView) })
  async list(@Query() query: ListTenantsQuery): Promise<Page<TenantView>> {
    return mapPage(await this.tenants.page(query.status, query), toTenantView);
  }

  /** Creates a tenant. For administrators of the operator tenant. */
  @Post()
  @Operation({ id: 'createTenant', allow: 'tenant:write', returns: TenantView, status: 201, problems: ['slug_taken'] })
  async create(@Body() body: CreateTenantDto): Promise<TenantView> {
    return toTenantView(await this.tenants.create(body));
  }

  /** Reads a tenant. */
  @Get(':id')
  @Operation({ id: 'getTenant', allow: 'tenant:read', returns: TenantView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<TenantView> {
    return toTenantView(await this.tenants.get(id));
  }

  /** Shows what a tenant may have and has. Each limit of its plan or its own, its use, and what is left; to the operator and to its own administrators. */
  @Get(':id/usage')
  @Operation({ id: 'getTenantUsage', allow: 'tenant:read', returns: TenantUsageView, problems: ['not_found'] })
  async usage(@Param('id', Uuid) id: string): Promise<TenantUsageView> {
    return toUsageView(await this.tenants.usage(id));
  }

  /** Changes a tenant. For administrators of the operator tenant; a limit holds from the next request on, in every process, and takes nothing away. */
  @Patch(':id')
  @Operation({ id: 'updateTenant', allow: 'tenant:write', returns: TenantView, problems: ['not_found', 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateTenantDto): Promise<TenantView> {
    return toTenantView(await this.tenants.update(id, body));
  }

  /** Suspends a tenant. Its users, keys and agents are refused from the next request on, those who wait at once; its jobs wait, and nothing is lost. */
  @Post(':id/suspend')
  @Operation({ id: 'suspendTenant', allow: 'tenant:write', returns: TenantView, problems: ['not_found', 'operator_tenant'] })
  async suspend(@Param('id', Uuid) id: string, @Body() body?: SuspendTenantDto): Promise<TenantView> {
    return toTenantView(await this.tenants.suspend(id, body?.reason ?? null));
  }

  /** Resumes a suspended tenant. Sessions that have not expired meanwhile work again, and the jobs that waited run. */
  @Post(':id/resume')
  @Operation({ id: 'resumeTenant', allow: 'tenant:write', returns: TenantView, problems: ['not_found'] })
  async resume(@Param('id', Uuid) id: string): Promise<TenantView> {
    return toTenantView(await this.tenants.resume(id));
  }
}
