import type { Request, Response } from 'express';
import { pinoHttp } from 'pino-http';
import type { ContextStore } from '../context/request-context.js';
import { logOptions } from './log-options.js';
import { requestLog } from './request-log.js';

/** The line about a request that ended so, or undefined when none is written. */
function lineOf(level: string, ended: { status: number; url?: string; finished?: boolean; store?: ContextStore }): Record<string, unknown> | undefined {
  let text = '';
  const { logger } = pinoHttp(logOptions(level), { write: (line: string) => void (text += line) });
  const request = { method: 'GET', originalUrl: ended.url ?? '/api/v1/tasks' } as Request;
  const response = { statusCode: ended.status, writableFinished: ended.finished ?? true } as Response;
  requestLog(logger)({ request, response, store: ended.store ?? {}, seconds: 0.0123 });
  return text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
}

describe('the line about a request', () => {
  it('says which request, whose and how it ended', () => {
    const store: ContextStore = { requestId: 'r-1', tenantId: 't-1', operationId: 'listTasks', actor: { kind: 'system', id: 'x', tenantId: 't-1', label: 'x' } };
    expect(lineOf('debug', { status: 200, store })).toMatchObject({
      level: 20,
      msg: 'request completed',
      request_id: 'r-1',
      tenant_id: 't-1',
      operation: 'listTasks',
      actor: 'system:x',
      req: { method: 'GET', url: '/api/v1/tasks' },
      res: { status: 200 },
      responseTime: 12,
    });
    expect(lineOf('debug', { status: 200 })?.['res']).toEqual({ status: 200 });
  });

  it('is an error when the fault is ours, and written at every usual level', () => {
    expect(lineOf('info', { status: 503 })).toMatchObject({ level: 50, res: { status: 503 } });
    for (const status of [200, 404, 499]) expect(lineOf('info', { status })).toBeUndefined();
    expect(lineOf('silent', { status: 500 })).toBeUndefined();
  });

  it('tells a client that went away, and shows no credentials', () => {
    expect(lineOf('debug', { status: 200, finished: false, url: '/ws?token=SECRET&x=1' })).toMatchObject({ msg: 'request aborted', req: { url: '/ws?token=[redacted]&x=1' } });
  });
});
