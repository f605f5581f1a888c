import { Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { Config } from '../config/config.js';
import { logOptions } from './log-options.js';

/** JSON log lines with request id, tenant and actor; headers, bodies and credentials are never logged. */
@Module({
  imports: [
    LoggerModule.forRootAsync({
      inject: [Config],
      useFactory: (config: Config) => ({
        pinoHttp: logOptions(config.get('LOG_LEVEL')),
        // No middleware: it would make three loggers for each request, of which none says more than the mixin.
        forRoutes: [],
      }),
    }),
  ],
})
export class LoggingModule {}
