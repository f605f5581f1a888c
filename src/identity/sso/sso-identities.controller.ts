import { Body, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { CreateSsoIdentityDto, ListSsoIdentitiesQuery } from './sso-identities.dto.js';
import { SsoIdentitiesService } from './sso-identities.service.js';
import { SsoIdentityView, toSsoIdentityView } from './sso-identities.view.js';

@ApiController('sso/identities', 'Identity / Single sign-on')
export class SsoIdentitiesController {
  constructor(private readonly identities: SsoIdentitiesService) {}

  /** Lists whom the subjects of providers are, newest first. */
  @Get()
  @Operation({ id: 'listSsoIdentities', allow: 'sso:read', returns: pageOf(SsoIdentityView) })
  async list(@Query() query: ListSsoIdentitiesQuery): Promise<Page<SsoIdentityView>> {
    return mapPage(await this.identities.page(query.user_id, query), toSsoIdentityView);
  }

  /** Links a subject of a provider to a user, who signs in as that user from then on. E-mail addresses play no part. */
  @Post()
  @Operation({ id: 'createSsoIdentity', allow: 'sso:write', returns: SsoIdentityView, status: 201, problems: ['fresh_sign_in_required', 'not_found', 'sso_identity_taken'] })
  async create(@Body() body: CreateSsoIdentityDto): Promise<SsoIdentityView> {
    return toSsoIdentityView(await this.identities.link(body));
  }

  /** Reads whom a subject is. */
  @Get(':id')
  @Operation({ id: 'getSsoIdentity', allow: 'sso:read', returns: SsoIdentityView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<SsoIdentityView> {
    return toSsoIdentityView(await this.identities.get(id));
  }

  /** Unlinks a subject: it is nobody here from the next request on. Sessions that are open stay; deactivate the user to end them. */
  @Delete(':id')
  @Operation({ id: 'deleteSsoIdentity', allow: 'sso:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async remove(@Param('id', Uuid) id: string): Promise<void> {
    await this.identities.unlink(id);
  }
}
