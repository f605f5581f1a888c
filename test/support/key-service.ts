import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LocalMasterKey } from '../../src/platform/crypto/master-key.js';

export interface KeyServiceAnswer {
  status: number;
  body: unknown;
}
type Instead = KeyServiceAnswer | 'never' | undefined;
interface Asked {
  associated_data?: string;
  plaintext?: string;
  ciphertext?: string;
}

/** A key service that answers as the transit engine does: its keys stay in it, one for each name. */
export class KeyService {
  readonly asked: string[] = [];
  /** What callers must show. */
  token = 'kms-token-of-the-test';
  /** Latest version of every key. */
  version = 1;
  /** Answers in its place; `undefined` lets it answer itself, `never` keeps the caller waiting. */
  instead: (url: string, body: Asked) => Instead | Promise<Instead> = () => undefined;
  private seed = 'kms';
  private readonly server: Server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await this.answer(request.url ?? '', request.headers['x-vault-token'], JSON.parse(Buffer.concat(chunks).toString()) as Asked);
      if (answer === 'never') return;
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
    })();
  });

  /** @returns its address */
  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  /** Other keys under the same names, as after a loss. */
  makeAnew(): () => void {
    const before = this.seed;
    this.seed = `${before}, another`;
    return () => {
      this.seed = before;
    };
  }

  private async answer(url: string, token: unknown, body: Asked): Promise<KeyServiceAnswer | 'never'> {
    this.asked.push(url);
    const instead = await this.instead(url, body);
    if (instead) return instead;
    if (token !== this.token) return { status: 403, body: { errors: ['permission denied'] } };
    const [, act, name] = /^\/v1\/transit\/(encrypt|decrypt)\/([\w-]+)$/.exec(url) ?? [];
    const key = new LocalMasterKey(Buffer.alloc(32, `${this.seed}/${name ?? ''}`));
    const about = Buffer.from(body.associated_data ?? '', 'base64').toString();
    try {
      if (act === 'encrypt') return { status: 200, body: { data: { ciphertext: `vault:v${this.version}:${(await key.wrap(Buffer.from(body.plaintext ?? '', 'base64'), about)).toString('base64')}` } } };
      if (act === 'decrypt') return { status: 200, body: { data: { plaintext: (await key.unwrap(Buffer.from((body.ciphertext ?? '').replace(/^vault:v\d+:/, ''), 'base64'), about)).toString('base64') } } };
    } catch {
      return { status: 400, body: { errors: ['cipher: message authentication failed'] } };
    }
    return { status: 404, body: { errors: [] } };
  }
}
