import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { erasable } from '../../platform/erasure/erasable.js';
import { Agent } from './agent.entity.js';
import { AgentCommandsRepository } from './agent-commands.repository.js';
import { AgentControlService } from './agent-control.service.js';
import { AgentEnrolment } from './agent-enrolment.service.js';
import { AgentPresenceRepository } from './agent-presence.repository.js';
import { AgentPresence } from './agent-presence.service.js';
import { AgentPurges } from './agent-purges.port.js';
import { AgentPurgesService } from './agent-purges.service.js';
import { AgentStatusService } from './agent-status.service.js';
import { AgentTokenVerifier } from './agent-token.verifier.js';
import { AgentTokensRepository } from './agent-tokens.repository.js';
import { AgentTokensService } from './agent-tokens.service.js';
import { AGENT_CONTENT } from './agents.erasure.js';
import { AgentsController } from './agents.controller.js';
import { AgentsReader } from './agents.reader.js';
import { AgentsRepository } from './agents.repository.js';
import { AgentsService } from './agents.service.js';
import { HeartbeatsController } from './heartbeats.controller.js';
import { HeartbeatsRepository } from './heartbeats.repository.js';
import { HeartbeatsService } from './heartbeats.service.js';
import { SilentAgentsSweeper } from './silent-agents.sweeper.js';

/** Agents, their tokens, their signs of life, and what operators do to them. */
@Module({
  imports: [TypeOrmModule.forFeature([Agent])],
  controllers: [AgentsController, HeartbeatsController],
  providers: [
    AgentsRepository,
    AgentCommandsRepository,
    AgentTokensRepository,
    AgentPresenceRepository,
    AgentsReader,
    AgentsService,
    AgentControlService,
    AgentTokensService,
    { provide: AgentPurges, useClass: AgentPurgesService },
    AgentStatusService,
    AgentEnrolment,
    AgentPresence,
    AgentTokenVerifier,
    HeartbeatsRepository,
    HeartbeatsService,
    SilentAgentsSweeper,
    erasable({ ofAgents: AGENT_CONTENT }),
  ],
  exports: [AgentsReader, AgentPurges],
})
export class AgentsModule {}
