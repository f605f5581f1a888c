import { createParser } from 'eventsource-parser';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, HistoryWriter } from './history.ts';
import type { Prng } from './prng.ts';

export interface EventClientOptions {
  urls: readonly string[];
  headers: Record<string, string>;
  history: HistoryWriter;
  prng: Prng;
}

/** Follows the task stream, from one process or another, and goes on where it was when the connection breaks. */
export class EventClient {
  readonly seen = new Set<string>();
  private readonly options: EventClientOptions;
  private readonly stopped = new AbortController();
  /** From the beginning of the log. */
  private lastEventId = '0-0';
  private opened: (() => void) | undefined;
  private running: Promise<void> | undefined;

  constructor(options: EventClientOptions) {
    this.options = options;
  }

  /** Resolves when the first stream is open: from then on nothing may be missed. */
  async start(): Promise<void> {
    const open = new Promise<void>((resolve) => (this.opened = resolve));
    this.running = this.follow();
    await open;
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  /** Breaks the connection, as networks do. */
  cut: () => void = () => undefined;

  private async follow(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      try {
        await this.readOnce();
      } catch {
        // Refused, cut or gone: that is what this run is about.
      }
      await sleep(this.options.prng.between(50, 400));
    }
  }

  private async readOnce(): Promise<void> {
    const cut = new AbortController();
    this.cut = () => cut.abort();
    const response = await fetch(`${this.options.prng.pick(this.options.urls)}/api/v1/tasks/stream`, {
      headers: { ...this.options.headers, accept: 'text/event-stream', 'last-event-id': this.lastEventId },
      signal: AbortSignal.any([cut.signal, this.stopped.signal]),
    });
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      return;
    }
    this.opened?.();
    const parser = createParser({ onEvent: ({ id, event, data }) => this.take(id, event, data) });
    const silence = setInterval(() => cut.abort(), 40_000);
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        silence.refresh();
        parser.feed(chunk);
      }
    } finally {
      clearInterval(silence);
    }
  }

  private take(position: string | undefined, name: string | undefined, text: string): void {
    if (position === undefined || name === undefined) return;
    const { id, ...data } = JSON.parse(text) as { id: string };
    const delivery: Delivery = { id, name, data };
    this.options.history.delivered(delivery);
    this.seen.add(delivery.id);
    // Only what was taken may be skipped next time.
    this.lastEventId = position;
  }
}
