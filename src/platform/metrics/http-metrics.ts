import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { ClsService } from 'nestjs-cls';
import type { ContextStore } from '../context/request-context.js';
import type { Metrics } from './metrics.js';

interface Series {
  count: () => void;
  observe: (seconds: number) => void;
}

/** Counts and times every request. Each combination of labels is looked up once and then kept, so that a request costs a map look-up. */
export function httpMetrics(metrics: Metrics, cls: ClsService<ContextStore>): RequestHandler {
  const known = new Map<string, Series>();
  const seriesOf = (operation: string, method: string, status: number): Series => {
    const key = `${operation} ${method} ${status}`;
    const found = known.get(key);
    if (found) return found;
    const counter = metrics.requests.labels(operation, method, String(status));
    const histogram = metrics.durations.labels(operation);
    const series = { count: () => counter.inc(), observe: (seconds: number) => histogram.observe(seconds) };
    known.set(key, series);
    return series;
  };
  return (request: Request, response: Response, next: NextFunction): void => {
    const start = performance.now();
    // The guard writes the operation into this store; the event below comes from outside the request's context.
    const store = cls.get<ContextStore>();
    response.once('close', () => {
      const series = seriesOf(store.operationId ?? 'none', request.method, response.statusCode);
      series.count();
      series.observe((performance.now() - start) / 1000);
    });
    next();
  };
}
