import { isUtf8 } from 'node:buffer';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { Problem } from '../../core/problem.js';
import { toProblem } from './problem.filter.js';
import { isRawPath } from './raw-body.js';

/** Decoding would put another character in the place of each byte that is none. body-parser calls it `entity.verify.failed`. */
function refuseBrokenText(_request: unknown, _response: unknown, body: Buffer, encoding: string): void {
  if (encoding === 'utf-8' && !isUtf8(body)) throw new Error('The body is not UTF-8.');
}

/** Reads JSON bodies and refuses others: one that is not JSON would otherwise arrive as an empty one. */
export function jsonBody(limit: number): RequestHandler {
  const parse = express.json({ limit, strict: true, verify: refuseBrokenText });
  return (request: Request, response: Response, next: NextFunction): void => {
    const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
    if (!hasBody || isRawPath(request.path)) next();
    else if (!request.is(['json', '+json'])) next(new Problem('unsupported_media_type'));
    // Before Nest sees an error and makes a plain 400 of it.
    else parse(request, response, (error?: unknown) => next(error === undefined ? undefined : toProblem(error)));
  };
}
