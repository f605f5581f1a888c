import type { IncomingMessage } from 'node:http';
import { Module } from '@nestjs/common';
import { ClsServiceManager } from 'nestjs-cls';
import { LoggerModule } from 'nestjs-pino';
import { Config } from '../config/config.js';
import type { ContextStore } from '../context/request-context.js';
import { loggableError } from './loggable-error.js';
import { redactUrl } from './redact.js';

/** What every log line says about the request or job it was written in. */
function contextFields(): Record<string, unknown> {
  const cls = ClsServiceManager.getClsService<ContextStore>();
  if (!cls.isActive()) return {};
  const store = cls.get<ContextStore>();
  return {
    request_id: store.requestId,
    tenant_id: store.tenantId,
    operation: store.operationId,
    ...(store.actor ? { actor: `${store.actor.kind}:${store.actor.id}` } : {}),
  };
}

/** JSON log lines with request id, tenant and actor; headers, bodies and credentials are never logged. */
@Module({
  imports: [
    LoggerModule.forRootAsync({
      inject: [Config],
      useFactory: (config: Config) => ({
        pinoHttp: {
          level: config.get('LOG_LEVEL'),
          mixin: contextFields,
          quietReqLogger: true,
          customLogLevel: (_request, response, error) => (error || response.statusCode >= 500 ? 'error' : 'debug'),
          serializers: {
            req: (request: IncomingMessage & { raw?: { originalUrl?: string } }) => ({ method: request.method, url: redactUrl(request.raw?.originalUrl ?? request.url ?? '') }),
            err: (error: unknown) => loggableError(error),
            res: (response: { statusCode: number }) => ({ status: response.statusCode }),
          },
        },
      }),
    }),
  ],
})
export class LoggingModule {}
