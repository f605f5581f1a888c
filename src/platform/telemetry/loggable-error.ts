import { databaseErrorCode } from '../database/database-problem.js';

/** What the log says about an error: nothing that a caller could have sent, so no statement, parameters or detail. */
export interface LoggableError {
  type: string;
  message: string;
  stack?: string;
  /** SQLSTATE, or a code of the system. */
  code?: string;
  constraint?: string;
  cause?: LoggableError;
}

const MOST_CAUSES = 4;
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** From the first quotation mark to the last one, because a value may hold some itself. */
const QUOTED = /["„“”«»][^]*["„“”«»]/;

/** Takes an error, or what pino's own serializer has made of one, for the field `err` of a log line. */
export function loggableError(given: unknown, depth = 0): LoggableError {
  const error = (given as { raw?: unknown } | null | undefined)?.raw ?? given;
  if (!(error instanceof Error)) return { type: typeof error, message: typeof error === 'string' ? error : 'Something was thrown that is no error.' };
  const code = databaseErrorCode(error);
  const constraint = fieldOf(error, 'constraint');
  const message = isDatabaseError(error, code) ? withoutValues(error.message) : error.message;
  return {
    type: error.constructor.name || error.name,
    message,
    ...(error.stack === undefined ? {} : { stack: `${error.name}: ${message}\n${framesOf(error)}` }),
    ...(code === undefined ? {} : { code }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(error.cause === undefined || depth === MOST_CAUSES ? {} : { cause: loggableError(error.cause, depth + 1) }),
  };
}

function isDatabaseError(error: Error, code: string | undefined): boolean {
  return 'driverError' in error || (code !== undefined && SQLSTATE.test(code));
}

/** A message of PostgreSQL without what stands in quotation marks: `invalid input syntax for type uuid: "…"`. */
function withoutValues(message: string): string {
  return message.replace(QUOTED, '"…"');
}

/** The stack without its beginning, which repeats the message. */
function framesOf({ stack = '', message }: Error): string {
  const at = stack.indexOf(message);
  return (at === -1 ? stack : stack.slice(at + message.length))
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n');
}

function fieldOf(error: Error, name: string): string | undefined {
  const driver = (error as { driverError?: unknown }).driverError ?? error;
  const value = (driver as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
