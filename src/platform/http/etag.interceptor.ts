import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Request, Response } from 'express';
import { map, type Observable } from 'rxjs';
import { etagOf } from './etag.js';

/** Gives every single resource its `ETag`, and answers 304 when the reader has it already (RFC 9110, 13.1.2). */
@Injectable()
export class EtagInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((body: unknown) => {
        if (!isRevisioned(body)) return body;
        const http = context.switchToHttp();
        const response = http.getResponse<Response>();
        const request = http.getRequest<Request>();
        const etag = etagOf(body);
        response.setHeader('ETag', etag);
        if (request.method !== 'GET' || request.headers['if-none-match'] !== etag) return body;
        response.status(304);
        return undefined;
      }),
    );
  }
}

function isRevisioned(body: unknown): body is { id: string; revision: number } {
  return typeof body === 'object' && body !== null && 'id' in body && 'revision' in body && typeof body.id === 'string' && typeof body.revision === 'number';
}
