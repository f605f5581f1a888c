import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Request } from 'express';
import { type WebSocket, WebSocketServer } from 'ws';
import { Problem } from '../../core/problem.js';
import { type Credential, credentialFromToken, credentialOf } from '../../platform/auth/credentials.js';
import { Browsers } from '../../platform/auth/browsers.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { Config } from '../../platform/config/config.js';
import { requestIdOf } from '../../platform/http/request.middleware.js';
import { toProblem } from '../../platform/http/problem.filter.js';
import { RealtimeConnection } from './realtime-connection.js';
import { RealtimeDesk } from './realtime-desk.js';
import { RealtimeLimits } from './realtime-limits.js';
import { parseMessage } from './realtime-messages.js';
import { CLOSE, RealtimeSocket } from './realtime-socket.js';

const PATH = /^\/ws\/?(?:\?|$)/;
const FAREWELL_MS = 2_000;
const FAREWELL_STEP_MS = 10;

/**
 * /ws: the facts of the event log to clients, as they happen, in whichever process they happen. A session cookie is taken
 * from pages of the own origin alone, so that no other page can open a socket in someone's name.
 */
@Injectable()
export class RealtimeGateway implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private server: WebSocketServer | undefined;
  private readonly connections = new Set<RealtimeConnection>();
  private stopping = false;

  constructor(
    private readonly config: Config,
    private readonly adapters: HttpAdapterHost,
    private readonly limits: RealtimeLimits,
    private readonly desk: RealtimeDesk,
    private readonly browsers: Browsers,
    revocations: Revocations,
  ) {
    revocations.onRevoked((tags) => {
      for (const connection of this.connections) if (connection.restsOn(tags)) connection.reconsider(true);
    });
  }

  onApplicationBootstrap(): void {
    if (!this.config.servesApi) return;
    this.server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: this.limits.mostMessageBytes });
    const http = this.adapters.httpAdapter.getHttpServer() as Server;
    http.on('upgrade', (message: IncomingMessage, stream: Duplex, head: Buffer) => this.upgrade(message, stream, head));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    for (const { socket } of this.connections) socket.close(CLOSE.goingAway, 'shutting down');
    const deadline = performance.now() + FAREWELL_MS;
    while (this.connections.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, FAREWELL_STEP_MS));
    for (const { socket } of this.connections) socket.cut();
  }

  private upgrade(message: IncomingMessage, stream: Duplex, head: Buffer): void {
    // A peer that breaks off in the middle of the handshake is no event of interest; the stream is destroyed then.
    stream.on('error', () => stream.destroy());
    const request = this.asRequest(message);
    const requestId = requestIdOf(message.headers['x-request-id']);
    const refusal = this.refusalOf(request);
    if (refusal) return refuseUpgrade(stream, refusal, requestId);
    try {
      const credential = credentialIn(request) ?? this.browsers.cookieCredentialOf(request);
      this.server?.handleUpgrade(message, stream, head, (socket) => this.accept(socket, request, requestId, credential));
    } catch (error) {
      refuseUpgrade(stream, toProblem(error), requestId);
    }
  }

  private refusalOf(request: Request): Problem | undefined {
    if (!PATH.test(request.url)) return new Problem('not_found', { detail: 'There is nothing at this path.' });
    if (this.stopping || this.connections.size >= this.limits.mostSockets) return new Problem('unavailable', { retryAt: new Date(Date.now() + 1000) });
    return undefined;
  }

  private accept(webSocket: WebSocket, request: Request, requestId: string, credential: Credential | undefined): void {
    const socket = new RealtimeSocket(webSocket, this.limits, requestId);
    const connection = new RealtimeConnection(socket, { ip: request.ip, userAgent: request.headers['user-agent']?.slice(0, 512) }, this.desk);
    const admission = setTimeout(() => connection.actor ?? socket.close(CLOSE.unauthenticated, 'unauthenticated: no token came in time'), this.limits.authenticateMs);
    const keepalive = setInterval(() => {
      socket.probe();
      connection.reconsider(false);
    }, this.limits.keepaliveMs);
    this.connections.add(connection);
    webSocket.on('message', (data: Buffer, isBinary) => this.received(connection, data, isBinary));
    // What ws refuses by itself (too large, no UTF-8) it also answers by closing.
    webSocket.on('error', () => undefined);
    webSocket.once('close', () => {
      clearTimeout(admission);
      clearInterval(keepalive);
      this.connections.delete(connection);
      this.desk.leave(connection);
      connection.end();
    });
    if (!this.desk.enter(connection)) return socket.close(CLOSE.tooMany, 'too many connections that have not authenticated');
    if (credential) connection.do(() => connection.authenticate(credential));
  }

  private received(connection: RealtimeConnection, data: Buffer, isBinary: boolean): void {
    const { socket } = connection;
    if (!socket.open) return;
    if (!socket.admit()) return socket.close(CLOSE.tooMany, `too many messages: at most ${this.limits.messagesPerSecond} per second`);
    try {
      const message = parseMessage(data, isBinary);
      connection.do(() => connection.handle(message));
    } catch (error) {
      socket.sendProblem(toProblem(error));
    }
  }

  /** The message as Express would hand it on: its address is found with the same trust in proxies. */
  private asRequest(message: IncomingMessage): Request {
    const { request } = this.adapters.httpAdapter.getInstance<{ request: object }>();
    return Object.setPrototypeOf(message, request) as Request;
  }
}

/** `?token=`, or the headers that programs send; a browser can send neither header: it has its cookie, or sends its token in the first message. */
function credentialIn(request: Request): Credential | undefined {
  const query = request.url.indexOf('?');
  const token = query < 0 ? null : new URLSearchParams(request.url.slice(query)).get('token');
  if (token) return credentialFromToken(token);
  const { authorization, 'x-api-key': apiKey } = request.headers;
  return credentialOf({ ...(authorization ? { authorization } : {}), ...(apiKey ? { 'x-api-key': apiKey } : {}) });
}

function refuseUpgrade(stream: Duplex, problem: Problem, requestId: string): void {
  const body = JSON.stringify(problem.toDocument(requestId));
  const retry = problem.status === 503 ? 'Retry-After: 1\r\n' : '';
  stream.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\nConnection: close\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `X-Request-Id: ${requestId}\r\n${retry}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
