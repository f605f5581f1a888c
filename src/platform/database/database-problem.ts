import { Problem } from '../../core/problem.js';

/** SQLSTATE classes and codes that mean "the database is away or busy", not "the statement is wrong". */
const AWAY = /^(08|57P0|53|55P03|57014|40)/;
const AWAY_NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']);
const AWAY_MESSAGES = /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Cannot use a pool after calling end|connection is closed|not queryable/i;

/** The SQLSTATE or system code of an error that came from the driver, wrapped by TypeORM or not. */
export function databaseErrorCode(error: unknown): string | undefined {
  const driver = (error as { driverError?: unknown } | undefined)?.driverError ?? error;
  const code = (driver as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** The name of the constraint that was broken (SQLSTATE class 23), or undefined. */
export function brokenConstraint(error: unknown): string | undefined {
  if (!databaseErrorCode(error)?.startsWith('23')) return undefined;
  const driver = (error as { driverError?: unknown }).driverError ?? error;
  return (driver as { constraint?: string }).constraint;
}

/** Whether PostgreSQL ended the transaction for the sake of another: run again, it may well succeed. */
export function isConflict(error: unknown): boolean {
  const code = databaseErrorCode(error);
  return code === '40P01' || code === '40001';
}

/** Whether a statement was ended because it, or its waiting for a lock, took too long: it may be the statement's own fault. */
export function tookTooLong(error: unknown): boolean {
  const code = databaseErrorCode(error);
  return code === '57014' || code === '55P03';
}

/** Whether the database is away or busy, for everyone. A deadlock (class 40) is about the statements that met. */
export function isDatabaseAway(error: unknown): boolean {
  return databaseProblem(error)?.status === 503 && !databaseErrorCode(error)?.startsWith('40');
}

/** 503 for a database that is away, 400 for text it cannot hold; undefined when neither is the case. */
export function databaseProblem(error: unknown): Problem | undefined {
  const code = databaseErrorCode(error);
  const message = error instanceof Error ? error.message : '';
  if ((code && (AWAY.test(code) || AWAY_NETWORK.has(code))) || AWAY_MESSAGES.test(message)) {
    return new Problem('unavailable', { detail: 'The database is away or overloaded.', retryAt: new Date(Date.now() + 1000) });
  }
  // PostgreSQL holds no NUL characters in text (22021) nor in jsonb (22P05).
  if (code === '22021' || code === '22P05') return new Problem('invalid_request', { detail: 'A text contains a character that cannot be stored (NUL).' });
  return undefined;
}
