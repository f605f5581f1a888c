import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** One port in front of several processes, as a load balancer: each connection goes to the next that takes it. */
export class Balancer {
  /** How many connections each upstream was given. */
  readonly given: number[];
  private readonly sockets = new Set<Socket>();
  private next = 0;

  private constructor(
    private readonly server: Server,
    private readonly upstreams: URL[],
  ) {
    this.given = upstreams.map(() => 0);
    server.on('connection', (client: Socket) => this.pass(client, this.upstreams.length));
  }

  static async start(urls: string[]): Promise<Balancer> {
    const server = createServer({ pauseOnConnect: true });
    const balancer = new Balancer(server, urls.map((url) => new URL(url)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  /** Nothing has been read from the client before an upstream has accepted, so trying another one repeats nothing. */
  private pass(client: Socket, attempts: number): void {
    this.sockets.add(client);
    client.once('close', () => this.sockets.delete(client));
    const index = this.next++ % this.upstreams.length;
    const { hostname, port } = this.upstreams[index] as URL;
    const upstream = connect(Number(port), hostname);
    const refused = (): void => {
      if (attempts > 1) this.pass(client, attempts - 1);
      else client.destroy();
    };
    upstream.once('error', refused);
    upstream.once('connect', () => {
      upstream.off('error', refused);
      this.given[index] = (this.given[index] ?? 0) + 1;
      this.join(client, upstream);
    });
  }

  /** An end or a break on one side is one on the other. */
  private join(client: Socket, upstream: Socket): void {
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      this.sockets.add(from);
      from.on('error', () => to.resetAndDestroy());
      from.once('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
