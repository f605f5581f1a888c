import type { Server } from 'node:http';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { NextFunction, Request, Response } from 'express';

/** Long enough for a load balancer to see /readyz fail and for clients to come to the end of a kept connection. */
const GRACE_MS = 3_000;
const LOOK_EVERY_MS = 25;

/**
 * The first half of a shutdown: the process still answers everything, but is not ready, and asks each client to open its
 * next connection elsewhere. It ends when no connection is left, or after three seconds.
 */
@Injectable()
export class Drain {
  private draining = false;

  constructor(private readonly host: HttpAdapterHost) {}

  get isDraining(): boolean {
    return this.draining;
  }

  /** Tells clients of kept connections, while draining, to close them (RFC 9112, section 9.6). */
  readonly middleware = (_request: Request, response: Response, next: NextFunction): void => {
    if (this.draining) response.setHeader('Connection', 'close');
    next();
  };

  async drain(): Promise<void> {
    this.draining = true;
    const server = this.host.httpAdapter.getHttpServer() as Server;
    const until = performance.now() + GRACE_MS;
    while (server.listening && performance.now() < until && (await connectionsOf(server)) > 0) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
}
