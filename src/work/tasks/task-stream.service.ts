import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventFeed } from '../../platform/events/event-feed.js';
import { parsePosition, positionToken } from '../../platform/events/event-log.js';
import { EventStreams } from '../../platform/http/sse.js';
import { TaskCompleted, TaskCreated, TaskFailed, TaskUpdated } from './tasks.events.js';
import type { StreamTasksQuery } from './task-queries.dto.js';

const NAMES = [TaskCreated.name, TaskUpdated.name, TaskCompleted.name, TaskFailed.name];

/** Sends the tenant's task facts as they are published; a client that reconnects goes on where it was. */
@Injectable()
export class TaskStreamService {
  constructor(
    private readonly context: RequestContext,
    private readonly streams: EventStreams,
    private readonly feed: EventFeed,
  ) {}

  async open(filter: StreamTasksQuery, request: Request, response: Response): Promise<void> {
    const { tenantId } = this.context;
    const stream = await this.streams.start(request, response);
    if (!stream) return;
    const after = parsePosition(stream.lastEventId);
    const leave = await this.feed.follow({
      tenantId,
      names: NAMES,
      ...(after ? { after } : {}),
      onStart: (place) => stream.mark(positionToken(place)),
      ready: () => stream.ready(),
      onEvent: (event) => {
        if (filter.board_id !== undefined && event.data['board_id'] !== filter.board_id) return;
        if (filter.task_id !== undefined && event.data['task_id'] !== filter.task_id) return;
        stream.send({ id: positionToken(event.position), event: event.name, data: { id: event.id, occurred_at: event.occurred_at, ...event.data } });
      },
    });
    stream.onClose(leave);
  }
}
