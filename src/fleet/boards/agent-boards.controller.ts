import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { BoardMemoryService } from './board-memory.service.js';
import { AddBoardMemoryDto, ListBoardMemoryQuery, ListBoardsQuery } from './boards.dto.js';
import { BoardsService } from './boards.service.js';
import { BoardMemoryView, BoardView, toBoardMemoryView, toBoardView } from './boards.view.js';

@ApiController('agent/boards', 'Work / Agent protocol')
export class AgentBoardsController {
  constructor(
    private readonly boards: BoardsService,
    private readonly memory: BoardMemoryService,
  ) {}

  /** Lists the boards that the calling agent is on. */
  @Get()
  @Operation({ id: 'listOwnBoards', allow: 'agent:work', returns: pageOf(BoardView) })
  async list(@Query() query: ListBoardsQuery): Promise<Page<BoardView>> {
    return mapPage(await this.boards.listOwn(query), toBoardView);
  }

  /** Lists what a board of the calling agent remembers, newest first. */
  @Get(':id/memory')
  @Operation({ id: 'listOwnBoardMemory', allow: 'agent:work', returns: pageOf(BoardMemoryView), problems: ['not_found'] })
  async listMemory(@Param('id', Uuid) id: string, @Query() query: ListBoardMemoryQuery): Promise<Page<BoardMemoryView>> {
    return mapPage(await this.memory.list(id, query), toBoardMemoryView);
  }

  /** Adds to what a board of the calling agent remembers. */
  @Post(':id/memory')
  @Operation({ id: 'addOwnBoardMemory', allow: 'agent:work', returns: BoardMemoryView, status: 201, problems: ['not_found'] })
  async addMemory(@Param('id', Uuid) id: string, @Body() body: AddBoardMemoryDto): Promise<BoardMemoryView> {
    return toBoardMemoryView(await this.memory.add(id, body));
  }
}
