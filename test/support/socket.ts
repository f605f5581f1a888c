import { WebSocket, type ClientOptions } from 'ws';
import { OPERATOR_TENANT_ID } from '../../src/core/ids.js';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { EventSignal } from '../../src/platform/events/event-signal.js';
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

const all: TestSocket[] = [];

/** A client on /ws that keeps everything it is told. */
export class TestSocket {
  readonly messages: SocketMessage[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;
  /** Status of the answer when there was no upgrade. */
  refused: number | undefined;

  constructor(plane: Plane, query = '', options: ClientOptions = {}) {
    all.push(this);
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

/** Ends all there are. */
export function closeSockets(): void {
  for (const { socket } of all.splice(0)) socket.terminate();
}

/** Publishes facts past the domains, for families that have none yet. */
export async function publish(on: Plane, name: string, data: object = {}, times = 1, tenantId = OPERATOR_TENANT_ID): Promise<void> {
  await on.app.get(SystemDatabase).query('insert into events (id, tenant_id, name, data) select gen_random_uuid(), $1, $2, $3 from generate_series(1, $4)', [tenantId, name, JSON.stringify(data), times]);
  on.app.get(EventSignal).raise();
}
