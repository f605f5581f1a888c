import type { Request } from 'express';

/** A signal that is aborted when the client's connection closes before its answer has been sent. */
export function clientGone(request: Request): AbortSignal {
  const controller = new AbortController();
  const response = request.res;
  response?.once('close', () => {
    if (!response.writableEnded) controller.abort();
  });
  return controller.signal;
}
