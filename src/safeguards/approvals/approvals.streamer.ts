import { Injectable, Logger } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Request, Response } from 'express';
import type { Actor } from '../../core/actor.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventFeed } from '../../platform/events/event-feed.js';
import { type LoggedEvent, parsePosition, positionToken } from '../../platform/events/event-log.js';
import { EventPump } from '../../platform/events/event-pump.js';
import { type EventStream, EventStreams } from '../../platform/http/sse.js';
import type { Approval } from './approval.entity.js';
import { ApprovalDecided, ApprovalEscalated, ApprovalProgressed, ApprovalRedeemed, ApprovalRequested } from './approvals.events.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { toApprovalView } from './approvals.view.js';

const NAMES = [ApprovalRequested, ApprovalProgressed, ApprovalEscalated, ApprovalDecided, ApprovalRedeemed].map(({ name }) => name);

/** Streams what happens to approvals, in the order of the event log. */
@Injectable()
export class ApprovalsStreamer {
  private readonly logger = new Logger(ApprovalsStreamer.name);

  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly streams: EventStreams,
    private readonly feed: EventFeed,
  ) {}

  /** Follows the tenant's approvals until the client leaves, or its credentials are revoked. */
  async open(request: Request, response: Response): Promise<void> {
    const { tenantId, actor } = this.context;
    const stream = await this.streams.start(request, response);
    if (!stream) return;
    const pump = new EventPump((events) => this.write(stream, actor, tenantId, events), (error) => this.fail(stream, error));
    const leave = await this.feed.follow({
      tenantId,
      names: NAMES,
      after: parsePosition(stream.lastEventId),
      onStart: (place) => stream.mark(positionToken(place)),
      ready: () => pump.idle.then(() => stream.ready()),
      onEvent: (event) => pump.add(event),
    });
    stream.onClose(leave);
    stream.send({ event: 'ready', data: {} });
  }

  private async write(stream: EventStream, actor: Actor, tenantId: string, events: LoggedEvent[]): Promise<void> {
    const ids = [...new Set(events.map(({ data }) => String(data['approval_id'])))];
    const rows = await this.context.within({ actor, tenantId }, () => this.read(ids));
    const views = new Map(rows.map((row) => [row.id, toApprovalView(row)]));
    for (const { name, data, position } of events) {
      const view = views.get(String(data['approval_id']));
      if (view) stream.send({ id: positionToken(position), event: name, data: view });
    }
  }

  @Transactional()
  protected read(ids: readonly string[]): Promise<Approval[]> {
    return this.repository.findMany(this.context.tenantId, ids);
  }

  /** The client reconnects, and goes on from the last message it got. */
  private fail(stream: EventStream, error: unknown): void {
    this.logger.warn({ err: error }, 'A stream of approvals ended: its rows could not be read.');
    stream.abort();
  }
}
