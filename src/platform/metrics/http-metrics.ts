import type { EndedRequest } from '../http/request.middleware.js';
import type { Metrics } from './metrics.js';

interface Series {
  count: () => void;
  observe: (seconds: number) => void;
}

/** Counts and times every request. Each combination of labels is looked up once and then kept, so that a request costs a map look-up. */
export function httpMetrics(metrics: Metrics): (ended: EndedRequest) => void {
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
  return ({ request, response, store, seconds }) => {
    const series = seriesOf(store.operationId ?? 'none', request.method, response.statusCode);
    series.count();
    series.observe(seconds);
  };
}
