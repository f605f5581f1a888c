import { ClsServiceManager } from 'nestjs-cls';
import type { Options } from 'pino-http';
import type { ContextStore } from '../context/request-context.js';
import { contextFields } from './context-fields.js';
import { loggableError } from './loggable-error.js';

/** How the plane's logger is set up. */
export function logOptions(level: string): Options {
  return {
    level,
    mixin: runningContext,
    // Those of pino-http would make other objects of `err`, `req` and `res` first.
    wrapSerializers: false,
    serializers: { err: (error: unknown) => loggableError(error) },
  };
}

/** What every log line says about the request or job it was written in. */
function runningContext(): Record<string, unknown> {
  const cls = ClsServiceManager.getClsService<ContextStore>();
  return cls.isActive() ? contextFields(cls.get<ContextStore>()) : {};
}
