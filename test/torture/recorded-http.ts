import type { HistoryWriter, Op, OpName, OpOf, Requests } from './history.ts';
import { now } from './history.ts';
import type { Prng } from './prng.ts';

interface Wire {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  body?: object;
  key?: string;
  headers?: Record<string, string>;
}

export interface RecordedHttpOptions {
  client: string;
  urls: readonly string[];
  headers: Record<string, string>;
  history: HistoryWriter;
  prng: Prng;
}

const PATIENCE_MS = 5_000;

/** Sends requests to one of the plane's processes, whichever, and writes down what was asked and answered. */
export class RecordedHttp {
  private readonly options: RecordedHttpOptions;
  private count = 0;

  constructor(options: RecordedHttpOptions) {
    this.options = options;
  }

  async send<N extends OpName>(op: N, request: Requests[N], wire: Wire, patienceMs = PATIENCE_MS): Promise<OpOf<N>> {
    this.count += 1;
    const record: OpOf<N> = { op, request_id: `torture-${this.options.client}-${this.count}`, request, calledAt: now(), status: 0 };
    this.options.history.called(record as unknown as Op);
    const answer = await this.exchange(wire, record.request_id, patienceMs);
    const done: OpOf<N> = { ...record, ...answer, answeredAt: now() };
    this.options.history.answered(done as unknown as Op);
    return done;
  }

  private async exchange(wire: Wire, requestId: string, patienceMs: number): Promise<{ status: number; body?: unknown }> {
    try {
      const response = await fetch(`${this.options.prng.pick(this.options.urls)}/api/v1${wire.path}`, {
        method: wire.method,
        headers: {
          ...this.options.headers,
          ...wire.headers,
          'x-request-id': requestId,
          ...(wire.body ? { 'content-type': 'application/json' } : {}),
          ...(wire.key === undefined ? {} : { 'idempotency-key': wire.key }),
        },
        ...(wire.body ? { body: JSON.stringify(wire.body) } : {}),
        signal: AbortSignal.timeout(patienceMs),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    } catch {
      // Cut, refused, timed out or cut in the middle of the answer: it may have happened.
      return { status: 0 };
    }
  }
}
