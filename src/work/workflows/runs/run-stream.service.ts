import { Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { RequestContext } from '../../../platform/context/request-context.js';
import { EventFeed } from '../../../platform/events/event-feed.js';
import { parsePosition, positionToken } from '../../../platform/events/event-log.js';
import { EventStreams } from '../../../platform/http/sse.js';
import { WorkflowRunChanged, WorkflowStepChanged } from '../workflows.events.js';
import { RunsService } from './runs.service.js';

const NAMES = [WorkflowRunChanged.name, WorkflowStepChanged.name];

/** Sends what happens to a run and its steps as it happens; a client that reconnects goes on where it was. */
@Injectable()
export class RunStreamService {
  constructor(
    private readonly context: RequestContext,
    private readonly runs: RunsService,
    private readonly streams: EventStreams,
    private readonly feed: EventFeed,
  ) {}

  /** @throws Problem `not_found` */
  async open(runId: string, request: Request, response: Response): Promise<void> {
    await this.runs.find(runId);
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
      onEvent: ({ id, name, occurred_at, position, data }) => {
        if (data['run_id'] === runId) stream.send({ id: positionToken(position), event: name, data: { id, occurred_at, ...data } });
      },
    });
    stream.onClose(leave);
    if (after) return;
    // Where it stands, for whoever has not followed it so far; looked up once nothing can be missed any more.
    const { workflow_id, status, error } = await this.runs.find(runId);
    stream.send({ event: WorkflowRunChanged.name, data: { run_id: runId, workflow_id, status, error: error?.code ?? null } });
  }
}
