import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { BoardsModule } from '../../fleet/boards/boards.module.js';
import { erasable } from '../../platform/erasure/erasable.js';
import { ApprovalsModule } from '../approvals/approvals.module.js';
import { AgentSecretsController } from './agent-secrets.controller.js';
import { OutboundSecrets } from '../../platform/egress/outbound-secrets.port.js';
import { OutboundUses } from './outbound-uses.service.js';
import { SecretGrant } from './secret-grant.entity.js';
import { SecretGrantsController } from './secret-grants.controller.js';
import { SecretGrantsRepository } from './secret-grants.repository.js';
import { SecretGrantsService } from './secret-grants.service.js';
import { SecretReveals } from './secret-reveals.service.js';
import { SecretRotation } from './secret-rotation.js';
import { SecretUses } from './secret-uses.service.js';
import { SecretValues } from './secret-values.service.js';
import { SecretVersion } from './secret-version.entity.js';
import { SecretVersionsRepository } from './secret-versions.repository.js';
import { Secret } from './secret.entity.js';
import { GRANT_CONTENT } from './secrets.erasure.js';
import { SecretsController } from './secrets.controller.js';
import { SecretsRepository } from './secrets.repository.js';
import { SecretsService } from './secrets.service.js';

/** The vault: secrets whose values are sealed, and leave it only for a reason that is written down. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Secret, SecretVersion, SecretGrant]), AgentsModule, ApprovalsModule, BoardsModule],
  controllers: [SecretsController, SecretGrantsController, AgentSecretsController],
  providers: [
    OutboundUses, { provide: OutboundSecrets, useExisting: OutboundUses },
    SecretGrantsRepository, SecretGrantsService, SecretReveals, SecretRotation, SecretsRepository, SecretsService, SecretUses, SecretValues, SecretVersionsRepository, erasable({ ofAgents: GRANT_CONTENT }),
  ],
  exports: [OutboundSecrets],
})
export class SecretsModule {}
