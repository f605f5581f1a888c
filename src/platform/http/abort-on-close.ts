import type { Response } from 'express';

/** A signal that aborts when the client goes away before its answer was sent: nothing waits for nobody. */
export function abortOnClose(response: Response): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}
