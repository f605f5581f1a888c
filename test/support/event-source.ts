import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { eventually } from './eventually.js';
import type { Plane } from './plane.js';

export interface Heard {
  id: string | undefined;
  event: string | undefined;
  data: Record<string, unknown>;
}

/** A client of a stream of server-sent events, which keeps what it hears. */
export class TestEventSource {
  readonly heard: Heard[] = [];
  /** Whether the server has ended or broken off the stream. */
  ended = false;
  /** What broke the stream off, when it did not end by itself. */
  failure: unknown;
  private readonly abort = new AbortController();

  /** Opens a stream and waits for its first event. */
  static async open(plane: Plane, path: string, token: string, lastEventId?: string): Promise<TestEventSource> {
    const source = new TestEventSource();
    const headers = { authorization: `Bearer ${token}`, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
    const response = await fetch(`${plane.url}${path}`, { headers, signal: source.abort.signal });
    if (response.status !== 200 || !response.body) throw new Error(`The stream was refused with ${response.status}: ${await response.text()}`);
    void source.read(response.body);
    await eventually(() => source.heard.length > 0 || source.ended);
    return source;
  }

  named(event: string): Heard[] {
    return this.heard.filter((message) => message.event === event);
  }

  /** Waits for an event. */
  until(event: string): Promise<Heard> {
    return eventually(() => this.named(event)[0]);
  }

  get lastEventId(): string | undefined {
    return this.heard.findLast(({ id }) => id !== undefined)?.id;
  }

  close(): void {
    this.abort.abort();
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    const onEvent = ({ id, event, data }: EventSourceMessage): void => void this.heard.push({ id, event, data: JSON.parse(data) as Record<string, unknown> });
    const parser = createParser({ onEvent });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
    } catch (error) {
      this.failure = error;
    } finally {
      this.ended = true;
    }
  }
}
