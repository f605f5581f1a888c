import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Response } from 'express';

/** How long new connections are still taken: a load balancer that looks at /readyz meanwhile sends no more of them. */
const NOTICE_MS = 1_000;
/** How long kept connections have to come to their end, each with the answer to its next request. */
const FAREWELL_MS = 2_000;
const LOOK_EVERY_MS = 25;

/**
 * The end of serving. First the process still answers everything but is not ready; then it takes no new connections and
 * ends each kept one with its next answer. While the application closes, connections are cut as soon as no request is
 * running: a client that has silently gone holds nothing up.
 */
@Injectable()
export class Drain implements BeforeApplicationShutdown, OnApplicationShutdown {
  private draining = false;
  private farewell = false;
  private readonly unanswered = new Set<Response>();
  private closing: NodeJS.Timeout | undefined;

  constructor(private readonly host: HttpAdapterHost) {}

  get isDraining(): boolean {
    return this.draining;
  }

  /** Takes note of a request that runs, and ends kept connections with their answer (RFC 9112, section 9.6). */
  began(response: Response): void {
    if (this.farewell) response.setHeader('Connection', 'close');
    this.unanswered.add(response);
  }

  ended(response: Response): void {
    this.unanswered.delete(response);
  }

  beforeApplicationShutdown(): void {
    this.draining = true;
    const server = this.host.httpAdapter.getHttpServer() as Server;
    this.closing = setInterval(() => {
      if (this.unanswered.size === 0) server.closeAllConnections();
    }, LOOK_EVERY_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.closing);
  }

  async drain(): Promise<void> {
    this.draining = true;
    const server = this.host.httpAdapter.getHttpServer() as Server;
    await noneLeft(server, NOTICE_MS);
    this.farewell = true;
    for (const response of this.unanswered) if (!response.headersSent) response.setHeader('Connection', 'close');
    // HTTP's own close() would also cut off the connections that happen to be idle.
    if (server.listening) NetServer.prototype.close.call(server);
    await noneLeft(server, FAREWELL_MS);
    this.closeIdleConnections(server);
  }

  /** From here on no connection outlives its last answer: one whose answer had begun before the farewell would. */
  private closeIdleConnections(server: Server): void {
    const timer = setInterval(() => server.closeIdleConnections(), LOOK_EVERY_MS);
    server.once('close', () => clearInterval(timer));
    timer.unref();
  }
}

async function noneLeft(server: Server, milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  while (performance.now() < until && (await connectionsOf(server)) > 0) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
}
