import type { LoggedEvent } from './event-log.js';

/** Takes events as they come and handles them one batch after the other, in order. */
export class EventPump {
  private events: LoggedEvent[] = [];
  private running: Promise<void> | undefined;

  constructor(
    private readonly write: (events: LoggedEvent[]) => Promise<void>,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Resolves when what was added has been handled. */
  get idle(): Promise<void> {
    return this.running ?? Promise.resolve();
  }

  add(event: LoggedEvent): void {
    this.events.push(event);
    this.running ??= this.drain();
  }

  private async drain(): Promise<void> {
    try {
      while (this.events.length > 0) await this.write(this.events.splice(0));
    } catch (error) {
      this.fail(error);
    } finally {
      // In the same turn as the last look at the events: what is added later starts anew.
      this.running = undefined;
    }
  }
}
