import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Clock } from '../../core/clock.js';
import { Problem, type ProblemDocument } from '../../core/problem.js';
import type { ProblemCode } from '../../core/problem-catalogue.js';
import { AuditPort } from '../auth/audit-port.js';
import { RequestContext } from '../context/request-context.js';
import { databaseProblem } from '../database/database-problem.js';

const BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  422: 'unprocessable',
  429: 'rate_limited',
  503: 'unavailable',
};

/** Turns whatever was thrown into a problem; what nobody foresaw becomes `internal` and shows nothing of the inside. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const fromDatabase = databaseProblem(error);
  if (fromDatabase) return fromDatabase;
  if (error instanceof HttpException) return new Problem(BY_STATUS[error.getStatus()] ?? 'internal', error.getStatus() === 404 ? { detail: 'There is nothing at this path.' } : {});
  return parserProblem(error) ?? new Problem('internal');
}

/** Errors of the body parser carry a `type` (see the `http-errors` that body-parser throws). */
function parserProblem(error: unknown): Problem | undefined {
  const { type, status, limit } = (error ?? {}) as { type?: string; status?: number; limit?: number };
  if (type === 'entity.parse.failed') return new Problem('malformed_json');
  if (type === 'entity.verify.failed') return new Problem('malformed_json', { detail: 'The body is not UTF-8.' });
  if (type === 'entity.too.large') return new Problem('payload_too_large', limit === undefined ? {} : { limit });
  if (type === 'encoding.unsupported' || type === 'charset.unsupported') return new Problem('unsupported_media_type');
  if (typeof status === 'number' && status >= 400 && status < 500) return new Problem(BY_STATUS[status] ?? 'invalid_request');
  return undefined;
}

/** What somebody known may not do. Who is not known yet has signed in in vain: that has a row of its own. */
const isDenial = (error: unknown): error is Problem => error instanceof Problem && error.status === 403;

/** The one place where a refusal becomes an answer (RFC 9457), whatever threw it. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(
    private readonly context: RequestContext,
    private readonly clock: Clock,
    private readonly audit: AuditPort,
  ) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const answered = isDenial(error) && this.context.actorOrUndefined ? ((await this.failureToRecord(error)) ?? error) : error;
    this.answer(answered, http.getRequest<Request>(), http.getResponse<Response>());
  }

  /** Writes the audit row of a denial, whichever rule refused. @returns why it could not be written, to be answered instead */
  private async failureToRecord({ code, details }: Problem): Promise<unknown> {
    const detail = { operation: this.context.get('operationId'), code, ...details.extra };
    return this.audit.denied({ action: 'access.denied', detail }).catch((failure: unknown) => failure);
  }

  /** Writes the problem; ends the connection instead when the answer has begun already. */
  answer(error: unknown, request: Request, response: Response): void {
    const problem = toProblem(error);
    if (problem.status >= 500) this.logger.error({ err: error, path: request.path }, problem.message);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const seconds = problem.retryAfterSeconds(this.clock.now()) ?? (problem.status === 503 ? 1 : undefined);
    if (seconds !== undefined) response.setHeader('Retry-After', String(seconds));
    const requestId = this.context.requestId ?? (response.getHeader('x-request-id') as string | undefined) ?? null;
    const document: ProblemDocument = { ...problem.toDocument(requestId), ...(problem.status === 429 && seconds !== undefined ? { retry_after_seconds: seconds } : {}) };
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(document));
  }
}
