import { Body, Delete, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { AgentView } from '../agents/agents.view.js';
import { BoardMembersService } from './board-members.service.js';
import { CreateBoardDto, ListBoardsQuery, UpdateBoardDto } from './boards.dto.js';
import { BoardsService } from './boards.service.js';
import { BoardView, toBoardView } from './boards.view.js';

@ApiController('boards', 'Fleet / Boards')
export class BoardsController {
  constructor(
    private readonly boards: BoardsService,
    private readonly members: BoardMembersService,
  ) {}

  /** Lists the boards, newest first. */
  @Get()
  @Operation({ id: 'listBoards', allow: 'board:read', returns: pageOf(BoardView) })
  async list(@Query() query: ListBoardsQuery): Promise<Page<BoardView>> {
    return mapPage(await this.boards.list(query), toBoardView);
  }

  /**
   * Makes a board. Without `slug` one is made from the name, with a number when it is taken; a `slug` that is given and
   * taken is refused. A `lead_agent_id` is put on the board.
   */
  @Post()
  @Operation({ id: 'createBoard', allow: 'board:write', returns: BoardView, status: 201, problems: ['slug_taken', 'plan_limit_reached'] })
  async create(@Body() body: CreateBoardDto): Promise<BoardView> {
    return toBoardView(await this.boards.create(body));
  }

  /** Reads a board. */
  @Get(':id')
  @Operation({ id: 'getBoard', allow: 'board:read', returns: BoardView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<BoardView> {
    return toBoardView(await this.boards.get(id));
  }

  /** Changes the fields that are given; the rules act on the next change of a task. Null clears a field that may be empty. */
  @Patch(':id')
  @Operation({ id: 'updateBoard', allow: 'board:write', returns: BoardView, problems: ['not_found', 'slug_taken', 'board_full', 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateBoardDto): Promise<BoardView> {
    return toBoardView(await this.boards.update(id, body));
  }

  /** Deletes a board on which every task is completed or cancelled. Its tasks stay readable; no agent is on it any more. */
  @Delete(':id')
  @Operation({ id: 'deleteBoard', allow: 'board:write', returns: NO_CONTENT, problems: ['not_found', 'conflict', 'precondition_failed'] })
  async delete(@Param('id', Uuid) id: string): Promise<void> {
    await this.boards.delete(id);
  }

  /** Lists the agents on a board. */
  @Get(':id/agents')
  @Operation({ id: 'listBoardAgents', allow: 'board:read', returns: pageOf(AgentView), problems: ['not_found'] })
  listAgents(@Param('id', Uuid) id: string, @Query() query: PageQuery): Promise<Page<AgentView>> {
    return this.members.list(id, query);
  }

  /** Puts an agent on a board, up to `max_agents`. One that is on it already stays. */
  @Put(':id/agents/:agent_id')
  @Operation({ id: 'addBoardAgent', allow: 'board:write', returns: NO_CONTENT, problems: ['not_found', 'board_full', 'precondition_failed'] })
  async addAgent(@Param('id', Uuid) id: string, @Param('agent_id', Uuid) agentId: string): Promise<void> {
    await this.members.add(id, agentId);
  }

  /** Takes an agent off a board. It gets no more tasks from it and may finish what it holds; a lead leads no more. */
  @Delete(':id/agents/:agent_id')
  @Operation({ id: 'removeBoardAgent', allow: 'board:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed'] })
  async removeAgent(@Param('id', Uuid) id: string, @Param('agent_id', Uuid) agentId: string): Promise<void> {
    await this.members.remove(id, agentId);
  }
}
