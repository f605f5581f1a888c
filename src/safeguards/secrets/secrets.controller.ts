import { Body, Delete, Get, Param, Post, Put, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { SecretReveals } from './secret-reveals.service.js';
import { RevealSecretDto, RotateSecretDto, SecretVersionDto } from './secret-values.dto.js';
import { CreateSecretDto, ExpiringSecretsQuery, ListSecretsQuery, UpdateSecretDto } from './secrets.dto.js';
import { SecretsService } from './secrets.service.js';
import { RevealedSecretView, SecretVersionView, SecretView, toRevealedView, toSecretView, toVersionView } from './secrets.view.js';

@ApiController('secrets', 'Safeguards / Secrets')
export class SecretsController {
  constructor(
    private readonly secrets: SecretsService,
    private readonly reveals: SecretReveals,
  ) {}

  /** Lists secrets, newest first. Their values are masked. */
  @Get()
  @Operation({ id: 'listSecrets', allow: 'secret:read', returns: pageOf(SecretView) })
  async list(@Query() query: ListSecretsQuery): Promise<Page<SecretView>> {
    return mapPage(await this.secrets.list(query), toSecretView);
  }

  /** Creates a secret. Its value is sealed, and masked in this and every other answer. */
  @Post()
  @Operation({ id: 'createSecret', allow: 'secret:write', returns: SecretView, status: 201, problems: ['name_taken', 'plan_limit_reached', 'fresh_sign_in_required'] })
  async create(@Body() body: CreateSecretDto): Promise<SecretView> {
    return toSecretView(await this.secrets.create(body));
  }

  /** Lists secrets that expire soon. Within so many days, and those that have expired. */
  @Get('expiring')
  @Operation({ id: 'listExpiringSecrets', allow: 'secret:read', returns: pageOf(SecretView) })
  async expiring(@Query() query: ExpiringSecretsQuery): Promise<Page<SecretView>> {
    return mapPage(await this.secrets.expiring(query), toSecretView);
  }

  /** Reads a secret. Its value is masked. */
  @Get(':id')
  @Operation({ id: 'getSecret', allow: 'secret:read', returns: SecretView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<SecretView> {
    return toSecretView(await this.secrets.get(id));
  }

  /** Changes a secret. What is left out stays; a new value is a new version, and the one before works on for grace_seconds. */
  @Put(':id')
  @Operation({ id: 'updateSecret', allow: 'secret:write', returns: SecretView, problems: ['not_found', 'name_taken', 'precondition_failed', 'erased', 'fresh_sign_in_required'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateSecretDto): Promise<SecretView> {
    return toSecretView(await this.secrets.update(id, body));
  }

  /** Deletes a secret, with all its versions and grants. From then on nobody gets it. */
  @Delete(':id')
  @Operation({ id: 'deleteSecret', allow: 'secret:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async delete(@Param('id', Uuid) id: string): Promise<void> {
    await this.secrets.delete(id);
  }

  /**
   * Shows the value of a secret. To a person who signed in within the last 5 minutes and says why; the audit log has it before
   * the answer leaves. Where a rule asks for approval of `secret.reveal`, the answer is `approval_awaited` with an `approval_id` until it was
   * given; then the same call shows the value, once. No answer of this operation is kept, so an Idempotency-Key has no effect.
   */
  @Post(':id/reveal')
  @Operation({ id: 'revealSecret', allow: 'secret:reveal', returns: RevealedSecretView, idempotency: 'none', problems: ['not_found', 'fresh_sign_in_required', 'version_destroyed', 'erased', 'approval_awaited', 'approval_broken'] })
  async reveal(@Param('id', Uuid) id: string, @Body() body: RevealSecretDto): Promise<RevealedSecretView> {
    return toRevealedView(await this.reveals.reveal(id, body));
  }

  /** Rotates a secret. To the given value or one that is made; the one before works on for grace_seconds. No answer shows either. */
  @Post(':id/rotate')
  @Operation({ id: 'rotateSecret', allow: 'secret:write', returns: SecretView, problems: ['not_found'] })
  async rotate(@Param('id', Uuid) id: string, @Body() body: RotateSecretDto): Promise<SecretView> {
    return toSecretView(await this.secrets.rotate(id, body));
  }

  /** Lists the versions of a secret, newest first. Their values are masked. */
  @Get(':id/versions')
  @Operation({ id: 'listSecretVersions', allow: 'secret:read', returns: pageOf(SecretVersionView), problems: ['not_found'] })
  async versions(@Param('id', Uuid) id: string, @Query() query: PageQuery): Promise<Page<SecretVersionView>> {
    return mapPage(await this.secrets.versionsOf(id, query), toVersionView);
  }

  /** Makes an earlier value the current one. As a new version, whose copy_of says which one had the value first; the one that was current stops working at once. */
  @Post(':id/rollback')
  @Operation({ id: 'rollBackSecret', allow: 'secret:write', returns: SecretView, problems: ['not_found', 'current_version', 'version_destroyed', 'erased'] })
  async rollBack(@Param('id', Uuid) id: string, @Body() { version }: SecretVersionDto): Promise<SecretView> {
    return toSecretView(await this.secrets.rollBack(id, version));
  }

  /**
   * Destroys the value of an earlier version. It cannot be had again, and there is no way back to it: every other version that has it because
   * of a rollback (`copy_of` says so) loses it too. While the current version is one of them this is refused: rotate the secret first.
   */
  @Post(':id/versions/destroy')
  @Operation({ id: 'destroySecretVersion', allow: 'secret:write', returns: SecretView, problems: ['not_found', 'current_version', 'version_destroyed'] })
  async destroyVersion(@Param('id', Uuid) id: string, @Body() { version }: SecretVersionDto): Promise<SecretView> {
    return toSecretView(await this.secrets.destroyVersion(id, version));
  }
}
