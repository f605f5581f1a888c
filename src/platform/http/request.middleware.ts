import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { ClsService } from 'nestjs-cls';
import type { Config } from '../config/config.js';
import type { ContextStore } from '../context/request-context.js';
import { canonicalUrl } from './aliases.js';
import type { Drain } from './drain.js';

const VISIBLE_ASCII = /^[\x21-\x7e]{1,128}$/;

/** The id of a request: the caller's when it is 1-128 visible ASCII characters, else a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && VISIBLE_ASCII.test(header) ? header : randomUUID();
}

/** An address as PostgreSQL's `inet` takes it: without a zone, and nothing when a proxy passed on something else. */
export function addressOf(ip: string | undefined): string | undefined {
  const address = ip?.split('%', 1)[0] ?? '';
  return isIP(address) === 0 ? undefined : address;
}

/** A request that is over: its answer is out, or its client is gone. This runs outside of its context, so it is given it. */
export interface EndedRequest {
  request: Request;
  response: Response;
  store: ContextStore;
  seconds: number;
}

export interface RequestMiddlewareOptions {
  cls: ClsService<ContextStore>;
  /** Headers of every answer. */
  headers: readonly (readonly [name: string, value: string])[];
  drain: Drain;
  onEnd: readonly ((ended: EndedRequest) => void)[];
}

/**
 * Opens the context of a request, names it, gives its path the canonical form and follows it to its end. First of all
 * middlewares, and one for all of that: each further one is paid for by every request.
 */
export function requestMiddleware({ cls, headers, drain, onEnd }: RequestMiddlewareOptions): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    const start = performance.now();
    const requestId = requestIdOf(request.headers['x-request-id']);
    request.headers['x-request-id'] = requestId;
    response.setHeader('X-Request-Id', requestId);
    for (const [name, value] of headers) response.setHeader(name, value);
    request.url = canonicalUrl(request.method, request.url);
    const store: ContextStore = {
      requestId,
      ip: addressOf(request.ip),
      userAgent: request.headers['user-agent']?.slice(0, 512),
      ifMatch: ['PUT', 'PATCH', 'DELETE'].includes(request.method) ? request.headers['if-match'] : undefined,
    };
    drain.began(response);
    response.once('close', () => {
      drain.ended(response);
      const seconds = (performance.now() - start) / 1000;
      for (const tell of onEnd) tell({ request, response, store, seconds });
    });
    cls.runWith(store, next);
  };
}

/** The documented security headers; each is a setting, blank leaves it out. */
export function securityHeaders(config: Config): readonly (readonly [string, string])[] {
  const headers: [string, string][] = [
    ['X-Content-Type-Options', config.get('SECURITY_HEADER_X_CONTENT_TYPE_OPTIONS')],
    ['X-Frame-Options', config.get('SECURITY_HEADER_X_FRAME_OPTIONS')],
    ['Referrer-Policy', config.get('SECURITY_HEADER_REFERRER_POLICY')],
    ['Permissions-Policy', config.get('SECURITY_HEADER_PERMISSIONS_POLICY')],
    ['Strict-Transport-Security', config.get('SECURITY_HEADER_STRICT_TRANSPORT_SECURITY')],
    ['Content-Security-Policy', config.get('SECURITY_HEADER_CONTENT_SECURITY_POLICY')],
    // Answers carry tenants' data and, some, tokens that are shown once.
    ['Cache-Control', 'no-store'],
  ];
  return headers.filter(([, value]) => value !== '');
}
