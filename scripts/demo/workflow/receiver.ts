import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';

const OLDEST_SECONDS = 300;

/** An event that came with a signature that fits. */
export interface ReceivedEvent {
  type: string;
  data: Record<string, unknown>;
}

/** Takes webhooks as anybody's receiver would: checks each signature (https://www.standardwebhooks.com), and counts a message once. */
export class Receiver {
  secret = '';
  refused = 0;
  /** Messages that came again. */
  repeated = 0;
  private readonly events = new Map<string, ReceivedEvent>();
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      buffer(request)
        .then((body) => response.writeHead(this.take(request.headers, body)).end())
        .catch(() => response.destroy());
    });
  }

  /** @returns where it listens */
  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the receiver has no address');
    return `http://127.0.0.1:${address.port}/releases`;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  get received(): ReceivedEvent[] {
    return [...this.events.values()];
  }

  private take(headers: IncomingHttpHeaders, body: Buffer): number {
    if (!isGenuine(this.secret, headers, body)) {
      this.refused += 1;
      return 401;
    }
    const id = String(headers['webhook-id']);
    if (this.events.has(id)) this.repeated += 1;
    this.events.set(id, JSON.parse(body.toString('utf8')) as ReceivedEvent);
    return 204;
  }
}

/** Whether a message is signed with the secret and not old. */
export function isGenuine(secret: string, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const [id, time] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  if (!(Math.abs(Date.now() / 1000 - Number(time)) <= OLDEST_SECONDS)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest();
  return String(headers['webhook-signature']).split(' ').some((signature) => {
    const given = Buffer.from(signature.slice('v1,'.length), 'base64');
    return signature.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
