import { WebSocket, type ClientOptions } from 'ws';
import { eventually } from './eventually.js';
import type { Plane } from './plane.js';

export interface SocketMessage {
  type: string;
  event?: string;
  id?: string;
  occurred_at?: string;
  data?: Record<string, unknown>;
  problem?: { code: string; [field: string]: unknown };
}

/** A client on /ws that keeps everything it is told. */
export class TestSocket {
  readonly messages: SocketMessage[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;
  /** Status of the answer when there was no upgrade. */
  refused: number | undefined;

  constructor(plane: Plane, query = '', options: ClientOptions = {}) {
    this.socket = new WebSocket(`${plane.url.replace('http', 'ws')}/ws${query}`, options);
    this.socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as SocketMessage));
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on('unexpected-response', (_request, response) => (this.refused = response.statusCode));
    this.socket.on('error', () => undefined);
  }

  async opened(): Promise<this> {
    await eventually(() => this.socket.readyState !== this.socket.CONNECTING);
    return this;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** Waits for a message of a type, counted from `from`. */
  next(type: string, from = 0): Promise<SocketMessage> {
    return eventually(() => this.messages.slice(from).find((message) => message.type === type));
  }

  /** Sends and waits for the answer of that type. */
  async ask(message: unknown, answer: string): Promise<SocketMessage> {
    const from = this.messages.length;
    this.send(message);
    return this.next(answer, from);
  }

  /** Waits for the socket to be closed. */
  end(milliseconds?: number): Promise<{ code: number; reason: string }> {
    return eventually(() => this.closed, milliseconds);
  }

  get events(): SocketMessage[] {
    return this.messages.filter(({ type }) => type === 'event');
  }
}

/** Connects, authenticates with the first message and subscribes. */
export async function follow(plane: Plane, token: string, ...patterns: string[]): Promise<TestSocket> {
  const socket = await new TestSocket(plane).opened();
  await socket.ask({ type: 'auth', token }, 'authenticated');
  for (const event of patterns) await socket.ask({ type: 'subscribe', event }, 'subscribed');
  return socket;
}
