import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { HistoryWriter } from './history.ts';
import type { Prng } from './prng.ts';

export interface SocketClientOptions {
  urls: readonly string[];
  token: string;
  history: HistoryWriter;
  prng: Prng;
}

interface Message {
  type: string;
  event?: string;
  id?: string;
  data?: Record<string, unknown>;
}

/** Listens on /ws for all about tasks, and connects again, to one process or another, when the socket breaks. */
export class SocketClient {
  private readonly options: SocketClientOptions;
  private readonly stopped = new AbortController();
  private running: Promise<void> | undefined;
  private count = 0;

  constructor(options: SocketClientOptions) {
    this.options = options;
  }

  start(): void {
    this.running = this.follow();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async follow(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      await this.listen();
      await sleep(this.options.prng.between(50, 400));
    }
  }

  private async listen(): Promise<void> {
    const number = (this.count += 1);
    const { urls, token, history, prng } = this.options;
    const socket = new WebSocket(`${prng.pick(urls).replace('http', 'ws')}/ws`, { handshakeTimeout: 5_000 });
    socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as Message;
      if (message.type === 'authenticated') socket.send(JSON.stringify({ type: 'subscribe', event: 'task.*' }));
      if (message.type === 'subscribed') history.socket({ socket: number, what: 'open', at: Date.now() });
      if (message.type === 'event') history.socket({ socket: number, what: 'event', id: message.id ?? '', name: message.event ?? '', data: message.data ?? {} });
    });
    // Refused, cut or gone: that is what this run is about.
    socket.on('error', () => undefined);
    const stop = (): void => socket.terminate();
    this.stopped.signal.addEventListener('abort', stop);
    if (this.stopped.signal.aborted) stop();
    await new Promise((resolve) => socket.once('close', resolve));
    this.stopped.signal.removeEventListener('abort', stop);
    history.socket({ socket: number, what: 'close', at: Date.now() });
  }
}
