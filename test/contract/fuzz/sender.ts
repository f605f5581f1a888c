import { Agent, type IncomingMessage, request } from 'node:http';
import type { SentAnswer } from './answers.js';
import type { FuzzRequest } from './requests.js';

/** An answer that takes longer is none. */
const PATIENCE_MS = 30_000;

/** Sends requests as they are: `fetch` would put right what is wrong with some, and costs more than the answer does. */
export class Sender {
  private readonly agent: Agent;

  constructor(
    private readonly url: string,
    atOnce: number,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  }

  send(method: string, { path, body }: FuzzRequest, headers: Record<string, string>): Promise<SentAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, { method: method.toUpperCase(), agent: this.agent, timeout: PATIENCE_MS, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) } }, (response) => {
        read(response).then(resolve, reject);
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Of a stream only the head is read. */
async function read(response: IncomingMessage): Promise<SentAnswer> {
  const { statusCode: status = 0, headers } = response;
  const type = headers['content-type'] ?? '';
  if (type.startsWith('text/event-stream')) {
    response.destroy();
    return { status, type, text: '' };
  }
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status, type, text: Buffer.concat(parts).toString('utf8') };
}
