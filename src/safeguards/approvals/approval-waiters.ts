import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { throwIfRefused } from '../../platform/auth/caller-watch.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventFeed } from '../../platform/events/event-feed.js';
import type { Approval } from './approval.entity.js';
import { ApprovalDecided } from './approvals.events.js';

/** Lets a reader wait for a decision, whichever process it is made in. Nothing is held in the database meanwhile. */
@Injectable()
export class ApprovalWaiters implements BeforeApplicationShutdown {
  private readonly waiting = new Set<() => void>();
  private stopping = false;

  constructor(
    private readonly context: RequestContext,
    private readonly feed: EventFeed,
  ) {}

  /**
   * Reads an approval; while it is pending, waits for its decision and reads again.
   * @param read reads it in a transaction of its own
   * @param gone aborts when the client has gone away or may no longer call
   * @throws Problem with which `gone` was aborted
   */
  async wait(id: string, seconds: number, read: () => Promise<Approval>, gone: AbortSignal): Promise<Approval> {
    throwIfRefused(gone);
    const first = await read();
    if (first.status !== 'pending' || seconds === 0 || this.stopping || gone.aborted) return first;
    let decided: () => void = () => undefined;
    const decision = new Promise<void>((resolve) => (decided = resolve));
    const leave = await this.feed.follow({
      tenantId: this.context.tenantId,
      onEvent: (event) => {
        if (event.name === ApprovalDecided.name && event.data['approval_id'] === id) decided();
      },
    });
    const timer = setTimeout(decided, seconds * 1000);
    this.waiting.add(decided);
    gone.addEventListener('abort', decided);
    try {
      // Decided between the first reading and the subscription?
      const second = await read();
      if (second.status !== 'pending') return second;
      await decision;
      throwIfRefused(gone);
      return await read();
    } finally {
      clearTimeout(timer);
      this.waiting.delete(decided);
      gone.removeEventListener('abort', decided);
      leave();
    }
  }

  beforeApplicationShutdown(): void {
    this.stopping = true;
    for (const decided of this.waiting) decided();
  }
}
