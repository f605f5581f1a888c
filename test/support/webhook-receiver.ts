import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message as it arrived. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  /** `webhook-id`. */
  id: string;
  body: { id: string; type: string; timestamp: string; data: Record<string, unknown> };
  text: string;
}

type Answer = (message: Received, response: ServerResponse) => void;

/** A receiver of webhooks on this machine. How it answers is said by path. */
export class WebhookReceiver {
  received: Received[] = [];
  /** Under way now, and most at once, by path. */
  readonly open = new Map<string, number>();
  readonly most = new Map<string, number>();
  private readonly answers = new Map<string, Answer>();
  private readonly server = createServer((request, response) => {
    const path = request.url ?? '';
    const now = (this.open.get(path) ?? 0) + 1;
    this.open.set(path, now);
    this.most.set(path, Math.max(now, this.most.get(path) ?? 0));
    response.on('close', () => this.open.set(path, (this.open.get(path) ?? 1) - 1));
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const message = { path, headers: request.headers, id: String(request.headers['webhook-id']), body: JSON.parse(text) as Received['body'], text };
      this.received.push(message);
      (this.answers.get(path) ?? ((_message, answer) => void answer.end('ok')))(message, response);
    });
  });

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A status, or whatever is to be done with a message. */
  answer(path: string, answer: number | Answer): void {
    this.answers.set(path, typeof answer === 'number' ? (_message, response) => void response.writeHead(answer).end(`status ${answer}`) : answer);
  }

  at(path: string): Received[] {
    return this.received.filter((message) => message.path === path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Which of the secrets a message is signed with, in the order of its signatures; written from the specification, not from our code. */
export function signersOf({ headers, text }: Pick<Received, 'headers' | 'text'>, secrets: readonly string[]): string[] {
  const [id, seconds] = [headers['webhook-id'], headers['webhook-timestamp']];
  if (Math.abs(Date.now() / 1000 - Number(seconds)) > 300) throw new Error('The time of the message is not now.');
  return String(headers['webhook-signature']).split(' ').flatMap((signature) => {
    const [version, value = ''] = signature.split(',');
    const match = secrets.find((secret) => {
      const mac = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64')).update(`${String(id)}.${String(seconds)}.${text}`).digest();
      const given = Buffer.from(value, 'base64');
      return given.length === mac.length && timingSafeEqual(given, mac);
    });
    return version === 'v1' && match !== undefined ? [match] : [];
  });
}
