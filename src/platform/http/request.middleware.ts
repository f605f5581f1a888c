import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { ClsService } from 'nestjs-cls';
import type { Config } from '../config/config.js';
import type { ContextStore } from '../context/request-context.js';
import { canonicalUrl } from './aliases.js';

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

/** Opens the context of a request, names it, and gives its path the canonical form. First of all middlewares. */
export function requestMiddleware(cls: ClsService<ContextStore>): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    const requestId = requestIdOf(request.headers['x-request-id']);
    request.headers['x-request-id'] = requestId;
    response.setHeader('X-Request-Id', requestId);
    request.url = canonicalUrl(request.method, request.url);
    const store: ContextStore = {
      requestId,
      ip: addressOf(request.ip),
      userAgent: request.headers['user-agent']?.slice(0, 512),
      ifMatch: ['PUT', 'PATCH', 'DELETE'].includes(request.method) ? request.headers['if-match'] : undefined,
    };
    cls.runWith(store, next);
  };
}

/** The documented security headers; each is a setting, blank leaves it out. */
export function securityHeaders(config: Config): RequestHandler {
  const headers: [string, string][] = [
    ['X-Content-Type-Options', config.get('SECURITY_HEADER_X_CONTENT_TYPE_OPTIONS')],
    ['X-Frame-Options', config.get('SECURITY_HEADER_X_FRAME_OPTIONS')],
    ['Referrer-Policy', config.get('SECURITY_HEADER_REFERRER_POLICY')],
    ['Permissions-Policy', config.get('SECURITY_HEADER_PERMISSIONS_POLICY')],
    ['Strict-Transport-Security', config.get('SECURITY_HEADER_STRICT_TRANSPORT_SECURITY')],
    ['Content-Security-Policy', config.get('SECURITY_HEADER_CONTENT_SECURITY_POLICY')],
  ];
  const present = headers.filter(([, value]) => value !== '');
  return (_request: Request, response: Response, next: NextFunction): void => {
    for (const [name, value] of present) response.setHeader(name, value);
    // Answers carry tenants' data and, some, tokens that are shown once.
    response.setHeader('Cache-Control', 'no-store');
    next();
  };
}
