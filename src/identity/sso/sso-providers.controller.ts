import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { CreateSsoProviderDto, UpdateSsoProviderDto } from './sso-providers.dto.js';
import { SsoProvidersService } from './sso-providers.service.js';
import { SsoProviderView, toSsoProviderView } from './sso-providers.view.js';

@ApiController('sso/providers', 'Identity / Single sign-on')
export class SsoProvidersController {
  constructor(private readonly providers: SsoProvidersService) {}

  /** Lists the tenant's providers, newest first. */
  @Get()
  @Operation({ id: 'listSsoProviders', allow: 'sso:read', returns: pageOf(SsoProviderView) })
  async list(@Query() query: PageQuery): Promise<Page<SsoProviderView>> {
    return mapPage(await this.providers.page(query), toSsoProviderView);
  }

  /** Adds an OpenID provider. The redirect address to register there is `/api/v1/auth/sso/callback` of this installation. */
  @Post()
  @Operation({ id: 'createSsoProvider', allow: 'sso:write', returns: SsoProviderView, status: 201, problems: ['fresh_sign_in_required'] })
  async create(@Body() body: CreateSsoProviderDto): Promise<SsoProviderView> {
    return toSsoProviderView(await this.providers.create(body));
  }

  /** Reads a provider. */
  @Get(':id')
  @Operation({ id: 'getSsoProvider', allow: 'sso:read', returns: SsoProviderView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<SsoProviderView> {
    return toSsoProviderView(await this.providers.get(id));
  }

  /** Changes a provider. Its issuer stays: people are known by it. A change holds for the next sign-in, also for one under way. */
  @Patch(':id')
  @Operation({ id: 'updateSsoProvider', allow: 'sso:write', returns: SsoProviderView, problems: ['fresh_sign_in_required', 'not_found', 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateSsoProviderDto): Promise<SsoProviderView> {
    return toSsoProviderView(await this.providers.update(id, body));
  }

  /** Removes a provider. Nobody signs in with it any more; whom its subjects are is kept, should the issuer be added again. */
  @Delete(':id')
  @Operation({ id: 'deleteSsoProvider', allow: 'sso:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async remove(@Param('id', Uuid) id: string): Promise<void> {
    await this.providers.remove(id);
  }
}
