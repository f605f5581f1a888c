import { PROBLEMS, type ProblemCode } from './problem-catalogue.js';

/** One wrong field of a request. `field` is a dotted path (`items.0.fence`), `code` a short stable word. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** What a problem says beyond its code. Times are ISO 8601 in UTC. */
export interface ProblemDetails {
  detail?: string;
  errors?: FieldError[];
  remedy?: string;
  /** When the same request may succeed. */
  retryAt?: Date;
  /** The limit that was met, and the value that met it. */
  limit?: number | string;
  current?: number | string;
  /** More members of the document, as RFC 9457 section 3.2 allows. */
  extra?: Record<string, unknown>;
}

/** The document that leaves the house (RFC 9457, with the members the wire contract adds). */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  error: string;
  request_id: string | null;
  errors: FieldError[];
  remedy: string | null;
  retry_at: string | null;
  limit: number | string | null;
  current: number | string | null;
  [extra: string]: unknown;
}

/**
 * A refusal with a stable code. Services throw it; one filter turns it into the answer, so that HTTP, WebSocket and
 * batch items say the same thing in the same shape.
 */
export class Problem extends Error {
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    readonly details: ProblemDetails = {},
  ) {
    super(details.detail ?? PROBLEMS[code].detail);
    this.name = 'Problem';
    this.status = PROBLEMS[code].status;
  }

  /** Seconds until a retry makes sense, at least 1; undefined when there is no such time. */
  retryAfterSeconds(now: Date): number | undefined {
    if (!this.details.retryAt) return undefined;
    return Math.max(1, Math.ceil((this.details.retryAt.getTime() - now.getTime()) / 1000));
  }

  toDocument(requestId: string | null): ProblemDocument {
    const known = PROBLEMS[this.code];
    return {
      type: `/problems/${this.code.replaceAll('_', '-')}`,
      title: known.title,
      status: this.status,
      code: this.code,
      detail: this.message,
      error: this.message,
      request_id: requestId,
      errors: this.details.errors ?? [],
      remedy: this.details.remedy ?? known.remedy,
      retry_at: this.details.retryAt?.toISOString() ?? null,
      limit: this.details.limit ?? null,
      current: this.details.current ?? null,
      ...this.details.extra,
    };
  }
}

/** A request with one wrong field: 400 `invalid_request` that names it. */
export function invalidField(field: string, code: string, message: string): Problem {
  return new Problem('invalid_request', { detail: `${field}: ${message}`, errors: [{ field, code, message }] });
}

/** Absent, or another tenant's: the same words for both, so that nobody learns which. */
export function notFound(what: string): Problem {
  return new Problem('not_found', { detail: `No such ${what}.` });
}

/** A refusal as an answer; what is no refusal is thrown on. For who does several things of which each may be refused by itself. */
export function refusalOf(error: unknown): Problem {
  if (error instanceof Problem && error.status < 500) return error;
  throw error;
}
