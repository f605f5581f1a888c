import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that arrived; times are ms of the wall clock. */
export interface Arrival {
  path: string;
  key: string | undefined;
  at: number;
  /** How many of its path were being answered, itself among them. */
  atOnce: number;
}

/** What runs call: `/done` does what is asked, `/refused` does not, `/flaky` does it when it is asked again, `/down` is broken and takes its time to say so. Remembers all that came. */
export class EffectsTarget {
  readonly arrivals: Arrival[] = [];
  private readonly flaky = new Set<string>();
  private readonly underWay = new Map<string, number>();
  private readonly server = createServer((request, response) => this.answer(request, response));

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    const atOnce = (this.underWay.get(path) ?? 0) + 1;
    this.underWay.set(path, atOnce);
    // Of a caller that was killed nothing is under way any more.
    response.once('close', () => this.underWay.set(path, (this.underWay.get(path) ?? 1) - 1));
    const key = [request.headers['idempotency-key']].flat()[0];
    this.arrivals.push({ path, key, at: Date.now(), atOnce });
    request.resume();
    const [status, delay] = path === '/down' ? [500, 120] : [this.statusOf(path, key ?? ''), 0];
    setTimeout(() => response.writeHead(status, { 'content-type': 'application/json' }).end('{}'), delay);
  }

  private statusOf(path: string, key: string): number {
    if (path !== '/flaky') return path === '/refused' ? 422 : 200;
    const isFirst = !this.flaky.has(key);
    this.flaky.add(key);
    return isFirst ? 503 : 200;
  }
}
