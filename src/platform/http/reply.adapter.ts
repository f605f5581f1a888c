import { StreamableFile } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Response } from 'express';
import { etagOf } from './etag.js';

/**
 * Writes the answers of handlers. A single resource gets its `ETag`, and 304 when the reader has it already (RFC 9110,
 * 13.1.2). JSON goes out in one write: Express would hash each answer for a tag of its own, though none may be stored.
 */
export class ReplyAdapter extends ExpressAdapter {
  override reply(response: Response, body: unknown, statusCode?: number): unknown {
    if (!isPlain(body) || response.hasHeader('Content-Type')) return super.reply(response, body, statusCode);
    if (statusCode !== undefined) response.status(statusCode);
    if (isRevisioned(body)) {
      const etag = etagOf(body);
      response.setHeader('ETag', etag);
      if (readerHas(response.req.method, response.req.headers['if-none-match'], etag)) return response.status(304).end();
    }
    const text = JSON.stringify(body);
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(text));
    return response.end(text);
  }
}

function isPlain(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !(body instanceof StreamableFile) && !(body instanceof Error);
}

function isRevisioned(body: object): body is { id: string; revision: number } {
  return 'id' in body && 'revision' in body && typeof body.id === 'string' && typeof body.revision === 'number';
}

/** `If-None-Match` compares weakly: a cache on the way may have put `W/` before the tag. */
function readerHas(method: string, ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined || (method !== 'GET' && method !== 'HEAD')) return false;
  return ifNoneMatch.split(',').some((given) => ['*', etag].includes(given.trim().replace(/^W\//, '')));
}
