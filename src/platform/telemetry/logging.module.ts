import { Module } from '@nestjs/common';
import { ClsServiceManager } from 'nestjs-cls';
import { LoggerModule } from 'nestjs-pino';
import { Config } from '../config/config.js';
import type { ContextStore } from '../context/request-context.js';
import { contextFields } from './context-fields.js';
import { loggableError } from './loggable-error.js';

/** What every log line says about the request or job it was written in. */
function runningContext(): Record<string, unknown> {
  const cls = ClsServiceManager.getClsService<ContextStore>();
  return cls.isActive() ? contextFields(cls.get<ContextStore>()) : {};
}

/** JSON log lines with request id, tenant and actor; headers, bodies and credentials are never logged. */
@Module({
  imports: [
    LoggerModule.forRootAsync({
      inject: [Config],
      useFactory: (config: Config) => ({
        pinoHttp: {
          level: config.get('LOG_LEVEL'),
          mixin: runningContext,
          serializers: { err: (error: unknown) => loggableError(error) },
        },
        // No middleware: it would make three loggers for each request, of which none says more than the mixin.
        forRoutes: [],
      }),
    }),
  ],
})
export class LoggingModule {}
