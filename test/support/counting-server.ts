import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real server on this machine that counts who connects and what is asked, and answers as it is told. */
export interface CountingServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** `127.0.0.1:PORT` */
  host: string;
  connections: number;
  requests: number;
  /** How the next requests are answered. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close: () => Promise<void>;
}

export async function countingServer(): Promise<CountingServer> {
  const server = createServer((request, response) => {
    counted.requests += 1;
    request.resume();
    counted.answer(request, response);
  });
  server.on('connection', () => (counted.connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const counted: CountingServer = {
    url: `http://${host}`,
    host,
    connections: 0,
    requests: 0,
    answer: (_request, response) => void response.end('ok'),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return counted;
}

/** Answers with a status alone. */
export const status = (code: number): CountingServer['answer'] => (_request, response) => void response.writeHead(code).end();
