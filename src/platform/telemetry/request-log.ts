import type { Logger } from 'pino';
import type { EndedRequest } from '../http/request.middleware.js';
import { contextFields } from './context-fields.js';
import { redactUrl } from './redact.js';

/** One line for each request, when it is over: at level error when the fault is ours, else at level debug. */
export function requestLog(logger: Logger): (ended: EndedRequest) => void {
  return ({ request, response, store, seconds }) => {
    const level = response.statusCode >= 500 ? 'error' : 'debug';
    if (!logger.isLevelEnabled(level)) return;
    const line = {
      ...contextFields(store),
      req: { method: request.method, url: redactUrl(request.originalUrl) },
      res: { status: response.statusCode },
      responseTime: Math.round(seconds * 1000),
    };
    logger[level](line, response.writableFinished ? 'request completed' : 'request aborted');
  };
}
