import { Body, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { SecretGrantsService } from './secret-grants.service.js';
import { CreateSecretGrantDto, ListSecretGrantsQuery } from './secret-grants.dto.js';
import { SecretGrantView, toGrantView } from './secrets.view.js';

@ApiController('secrets/:id/grants', 'Safeguards / Secrets')
export class SecretGrantsController {
  constructor(private readonly grants: SecretGrantsService) {}

  /** Lists the grants of a secret, newest first. Revoked ones are left out unless asked for. */
  @Get()
  @Operation({ id: 'listSecretGrants', allow: 'secret:read', returns: pageOf(SecretGrantView), problems: ['not_found'] })
  async list(@Param('id', Uuid) id: string, @Query() query: ListSecretGrantsQuery): Promise<Page<SecretGrantView>> {
    return mapPage(await this.grants.list(id, query), toGrantView);
  }

  /** Grants a secret to an agent or a board. Agents of a board may use it while they hold a task of that board. */
  @Post()
  @Operation({ id: 'createSecretGrant', allow: 'secret:write', returns: SecretGrantView, status: 201, problems: ['not_found'] })
  async create(@Param('id', Uuid) id: string, @Body() body: CreateSecretGrantDto): Promise<SecretGrantView> {
    return toGrantView(await this.grants.create(id, body));
  }

  /** Revokes a grant. The next use is refused, in every process. */
  @Delete(':grant_id')
  @Operation({ id: 'revokeSecretGrant', allow: 'secret:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async revoke(@Param('id', Uuid) id: string, @Param('grant_id', Uuid) grantId: string): Promise<void> {
    await this.grants.revoke(id, grantId);
  }
}
