import type { Request, Response } from 'express';
import { Problem } from '../../core/problem.js';

/** Where bodies are of any kind, and read by who handles them: after the limits, and as the bytes that were signed. */
export const isRawPath = (path: string): boolean => /^\/webhook\//i.test(path);

/**
 * Reads a body as it is. What says that it is too long is refused before it is read, and what turns out to be, as soon as it is:
 * the connection ends with the answer.
 * @throws Problem `payload_too_large`, `unsupported_media_type` (a compressed one: its signature is of other bytes)
 */
export async function readRaw(request: Request, response: Response, most: number): Promise<Buffer> {
  const refuse = (problem: Problem): Problem => {
    response.setHeader('Connection', 'close');
    return problem;
  };
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw refuse(new Problem('unsupported_media_type', { detail: 'A compressed body is not taken.' }));
  if (Number(request.headers['content-length'] ?? 0) > most) throw refuse(new Problem('payload_too_large', { limit: most }));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= most) {
        chunks.push(chunk);
        return;
      }
      request.pause().removeAllListeners('data');
      reject(refuse(new Problem('payload_too_large', { limit: most })));
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    // Only what did not come to its end is still waited for.
    request.once('close', () => reject(new Problem('invalid_request', { detail: 'The body was not sent to its end.' })));
  });
}
