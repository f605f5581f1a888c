import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { erasable } from '../../platform/erasure/erasable.js';
import { AgentMemberships } from '../agents/agent-memberships.port.js';
import { AgentsModule } from '../agents/agents.module.js';
import { AgentBoardsController } from './agent-boards.controller.js';
import { Board } from './board.entity.js';
import { BoardAgentsRepository } from './board-agents.repository.js';
import { BoardMembersService } from './board-members.service.js';
import { BoardMemory } from './board-memory.entity.js';
import { BoardMemoryController } from './board-memory.controller.js';
import { BoardMemoryRepository } from './board-memory.repository.js';
import { BoardMemoryService } from './board-memory.service.js';
import { BoardMemoryStreamer } from './board-memory.streamer.js';
import { BOARD_CONTENT } from './boards.erasure.js';
import { BoardsController } from './boards.controller.js';
import { BoardsReader } from './boards.reader.js';
import { BoardsRepository } from './boards.repository.js';
import { BoardsService } from './boards.service.js';
import { KnownMemberships } from './known-memberships.js';

/** Boards, the agents on them, and what they remember. Global for the one port that agents ask. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Board, BoardMemory]), AgentsModule],
  controllers: [BoardsController, BoardMemoryController, AgentBoardsController],
  providers: [
    BoardsRepository,
    BoardAgentsRepository,
    BoardMemoryRepository,
    KnownMemberships,
    BoardsReader,
    BoardsService,
    BoardMembersService,
    BoardMemoryService,
    BoardMemoryStreamer,
    erasable({ ofAgents: BOARD_CONTENT }),
    { provide: AgentMemberships, useExisting: BoardMembersService },
  ],
  exports: [BoardsReader, AgentMemberships],
})
export class BoardsModule {}
