import { Body, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ApiKeyRotationService } from './api-key-rotation.service.js';
import { CreateApiKeyDto, RotateApiKeyDto } from './api-keys.dto.js';
import { ApiKeysService } from './api-keys.service.js';
import { ApiKeyView, NewApiKeyView, toApiKeyView, toNewApiKeyView } from './api-keys.view.js';

@ApiController('security/api-keys', 'Identity / API keys')
export class ApiKeysController {
  constructor(
    private readonly keys: ApiKeysService,
    private readonly rotation: ApiKeyRotationService,
  ) {}

  /** Lists API keys, newest first. Users see their own, administrators all of the tenant. Revoked ones are left out. */
  @Get()
  @Operation({ id: 'listApiKeys', allow: 'api-key:read', returns: pageOf(ApiKeyView) })
  async list(@Query() query: PageQuery): Promise<Page<ApiKeyView>> {
    return mapPage(await this.keys.page(query), toApiKeyView);
  }

  /**
   * Creates an API key, shown this once. It may do what its scopes say, within what its owner may do at the time of each
   * request. A key that is made with a key expires and is revoked with it.
   */
  @Post()
  @Operation({ id: 'createApiKey', allow: 'api-key:write', returns: NewApiKeyView, status: 201, problems: ['scope_exceeded', 'plan_limit_reached'] })
  async create(@Body() body: CreateApiKeyDto): Promise<NewApiKeyView> {
    const { key, secret } = await this.keys.create(body);
    return toNewApiKeyView(key, secret);
  }

  /**
   * Gives an own API key another value, shown this once. What it may do, until when and from where stays as it was. With
   * `overlap_seconds` the present value works that much longer; one from before that ends at once. A key rotates itself
   * and the keys that were made with it. Of several requests at once one rotates it, and the others are told of the conflict.
   */
  @Post(':id/rotate')
  @Operation({ id: 'rotateApiKey', allow: 'api-key:write', returns: NewApiKeyView, problems: ['not_found', 'scope_exceeded', 'precondition_failed', 'conflict'] })
  async rotate(@Param('id', Uuid) id: string, @Body() body?: RotateApiKeyDto): Promise<NewApiKeyView> {
    const { key, secret } = await this.rotation.rotate(id, body?.overlap_seconds ?? 0);
    return toNewApiKeyView(key, secret);
  }

  /** Revokes an API key, and all keys that were made with it. It is refused everywhere before the answer is sent. */
  @Delete(':id')
  @Operation({ id: 'revokeApiKey', allow: 'api-key:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async revoke(@Param('id', Uuid) id: string): Promise<void> {
    await this.keys.revoke(id);
  }
}
