import { Injectable, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventFeed } from '../../platform/events/event-feed.js';
import { type LoggedEvent, parsePosition, positionToken } from '../../platform/events/event-log.js';
import { EventPump } from '../../platform/events/event-pump.js';
import { type EventStream, EventStreams } from '../../platform/http/sse.js';
import { BoardMemoryRepository } from './board-memory.repository.js';
import { BoardMemoryService } from './board-memory.service.js';
import { BoardDeleted, BoardMemoryAdded } from './boards.events.js';
import { toBoardMemoryView } from './boards.view.js';

const NAMES = [BoardMemoryAdded.name, BoardDeleted.name];

/** Streams what is added to a board's memory, in the order of the event log. */
@Injectable()
export class BoardMemoryStreamer {
  private readonly logger = new Logger(BoardMemoryStreamer.name);

  constructor(
    private readonly context: RequestContext,
    private readonly memory: BoardMemoryService,
    private readonly repository: BoardMemoryRepository,
    private readonly streams: EventStreams,
    private readonly feed: EventFeed,
  ) {}

  /** Follows a board until the client leaves, its credentials are revoked, or the board is deleted. */
  async open(boardId: string, request: Request, response: Response): Promise<void> {
    await this.memory.requireAccess(boardId);
    const { tenantId } = this.context;
    const stream = await this.streams.start(request, response);
    if (!stream) return;
    const pump = new EventPump((events) => this.write(stream, tenantId, events), (error) => this.fail(stream, error));
    const leave = await this.feed.follow({
      tenantId,
      names: NAMES,
      after: parsePosition(stream.lastEventId),
      onStart: (place) => stream.mark(positionToken(place)),
      ready: () => pump.idle.then(() => stream.ready()),
      onEvent: (event) => {
        if (event.data['board_id'] === boardId) pump.add(event);
      },
    });
    stream.onClose(leave);
    stream.send({ event: 'ready', data: { board_id: boardId } });
  }

  private async write(stream: EventStream, tenantId: string, events: LoggedEvent[]): Promise<void> {
    const ids = events.flatMap(({ name, data }) => (name === BoardMemoryAdded.name ? [String(data['memory_id'])] : []));
    const rows = new Map((ids.length === 0 ? [] : await this.repository.findMany(tenantId, ids)).map((row) => [row.id, row]));
    for (const { name, data, position } of events) {
      if (name === BoardDeleted.name) {
        stream.end('gone');
        return;
      }
      const row = rows.get(String(data['memory_id']));
      if (row) stream.send({ id: positionToken(position), event: 'memory', data: toBoardMemoryView(row) });
    }
  }

  /** The client reconnects, and goes on from the last message it got. */
  private fail(stream: EventStream, error: unknown): void {
    this.logger.warn({ err: error }, 'A stream of board memory ended: its rows could not be read.');
    stream.abort();
  }
}
