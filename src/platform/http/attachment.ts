import { once } from 'node:events';
import type { Response } from 'express';

/**
 * Answers with a file, a piece at a time: the next piece is made when the client has taken the one before, and none once
 * it has gone. An error in the middle ends the connection, so that nobody takes the part for the whole.
 */
export async function sendAttachment(response: Response, { type, filename }: { type: string; filename: string }, pieces: AsyncIterable<string>): Promise<void> {
  response.status(200).setHeader('Content-Type', type);
  response.setHeader('Content-Disposition', `attachment; filename="${filename}"`);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  for await (const piece of pieces) {
    if (response.closed) return;
    if (!response.write(piece)) await takenOrGone(response);
  }
  response.end();
}

async function takenOrGone(response: Response): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    // The one that did not happen would be listened for until the end of the answer.
    over.abort();
  }
}
