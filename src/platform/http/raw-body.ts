import express, { type Request, type Response } from 'express';
import { toProblem } from './problem.filter.js';

/** Where bodies are of any kind, and read by who handles them: after the limits, and as the bytes that were signed. */
export const isRawPath = (path: string): boolean => /^\/webhook\//i.test(path);

/**
 * Reads a body as it is. What says that it is too long is refused before it is read, what turns out to be, as soon as it is.
 * @throws Problem `payload_too_large`, `unsupported_media_type` (a compressed one: its signature is of other bytes)
 */
export async function readRaw(request: Request, response: Response, most: number): Promise<Buffer> {
  const parse = express.raw({ type: () => true, limit: most, inflate: false });
  await new Promise<void>((resolve, reject) => {
    parse(request, response, (error?: unknown) => {
      if (error === undefined) return resolve();
      // What is left of it is not waited for.
      response.setHeader('Connection', 'close');
      reject(toProblem(error));
    });
  });
  const body: unknown = request.body;
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}
