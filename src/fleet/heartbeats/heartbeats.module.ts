import { Module } from '@nestjs/common';
import { AgentsModule } from '../agents/agents.module.js';
import { BoardsModule } from '../boards/boards.module.js';
import { HeartbeatsController } from './heartbeats.controller.js';
import { HeartbeatsRepository } from './heartbeats.repository.js';
import { HeartbeatsService } from './heartbeats.service.js';
import { SilentAgentsSweeper } from './silent-agents.sweeper.js';

/** Signs of life of agents, and the commands that go back with them. */
@Module({
  imports: [AgentsModule, BoardsModule],
  controllers: [HeartbeatsController],
  providers: [HeartbeatsRepository, HeartbeatsService, SilentAgentsSweeper],
})
export class HeartbeatsModule {}
