import { Get, Param, Query } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { SecretUses } from './secret-uses.service.js';
import { UseSecretQuery } from './secret-grants.dto.js';
import { RevealedSecretView, toRevealedView } from './secrets.view.js';

@ApiController('agent/secrets', 'Work / Agent protocol')
export class AgentSecretsController {
  constructor(private readonly uses: SecretUses) {}

  /**
   * Gets a secret that is granted to this agent. By its name, while the agent runs and holds a lease; a board's grant covers
   * whoever holds a task of that board. Each answer is one use of the grant and one row of the audit log.
   */
  @Get(':name')
  @ApiParam({ name: 'name', description: 'Name of the secret.', schema: { type: 'string', maxLength: 128 }, example: 'MAIL_API_KEY' })
  @Operation({
    id: 'useSecret',
    allow: 'secret:use',
    returns: RevealedSecretView,
    problems: ['agent_killed', 'agent_inactive', 'agent_paused', 'lease_required', 'secret_not_granted', 'secret_expired', 'version_retired', 'version_destroyed', 'not_found', 'erased'],
  })
  async use(@Param('name') name: string, @Query() query: UseSecretQuery): Promise<RevealedSecretView> {
    return toRevealedView(await this.uses.use(name, query));
  }
}
