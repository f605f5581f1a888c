import { Injectable } from '@nestjs/common';
import { DatabaseListener } from '../database/listener.js';

export const EVENT_CHANNEL = 'wheelhouse_events';
const AT_MOST_EVERY_MS = 10;

/** Wakes the followers of the event log, in all processes, at most every 10 ms. A hint: followers also poll. */
@Injectable()
export class EventSignal {
  private readonly handlers: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly listener: DatabaseListener) {
    listener.on(EVENT_CHANNEL, () => this.handlers.forEach((handler) => handler()));
  }

  /** Called in this process whenever some process has committed events. */
  onRaised(handler: () => void): void {
    this.handlers.push(handler);
  }

  raise(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.listener.notify(EVENT_CHANNEL, '');
    }, AT_MOST_EVERY_MS);
  }
}
