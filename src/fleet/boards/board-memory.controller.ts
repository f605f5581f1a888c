import { Body, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, EVENT_STREAM, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { BoardMemoryService } from './board-memory.service.js';
import { BoardMemoryStreamer } from './board-memory.streamer.js';
import { AddBoardMemoryDto, ListBoardMemoryQuery } from './boards.dto.js';
import { BoardMemoryView, toBoardMemoryView } from './boards.view.js';

@ApiController('boards/:id/memory', 'Fleet / Boards')
export class BoardMemoryController {
  constructor(
    private readonly memory: BoardMemoryService,
    private readonly streamer: BoardMemoryStreamer,
  ) {}

  /** Lists what a board remembers, newest first. */
  @Get()
  @Operation({ id: 'listBoardMemory', allow: 'board:read', returns: pageOf(BoardMemoryView), problems: ['not_found'] })
  async list(@Param('id', Uuid) id: string, @Query() query: ListBoardMemoryQuery): Promise<Page<BoardMemoryView>> {
    return mapPage(await this.memory.list(id, query), toBoardMemoryView);
  }

  /** Adds to what a board remembers. */
  @Post()
  @Operation({ id: 'addBoardMemory', allow: 'board:write', returns: BoardMemoryView, status: 201, problems: ['not_found'] })
  async add(@Param('id', Uuid) id: string, @Body() body: AddBoardMemoryDto): Promise<BoardMemoryView> {
    return toBoardMemoryView(await this.memory.add(id, body));
  }

  /**
   * Streams what is added. Server-sent events: `ready` once, then `memory` with the entry, and `end` with a reason
   * (`gone`, `revoked`, `shutdown`). A client that reconnects with `Last-Event-ID` misses nothing.
   */
  @Get('stream')
  @Operation({ id: 'streamBoardMemory', allow: 'board:read', returns: EVENT_STREAM, problems: ['not_found'] })
  async stream(@Param('id', Uuid) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await this.streamer.open(id, request, response);
  }
}
