import { createHash } from 'node:crypto';
import { databaseErrorCode } from './database-problem.js';

/** A statement that each connection parses and plans once, and then knows by its name. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/**
 * For the few statements that run all the time: planning them under row-level security costs more than running them.
 * They name their columns (`select *` would break when a newer process adds one). The name comes from the text, so that
 * processes of two versions behind one PgBouncer (1.21 or newer) mean the same by it.
 */
export function prepared(text: string): Prepared {
  return { name: `wh_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`, text };
}

/** As the driver takes it. */
export const asNamed = (statement: Prepared | string): { text: string; name?: string } => (typeof statement === 'string' ? { text: statement } : statement);

/**
 * Whether a connection knows a statement whose columns have changed their types since (SQLSTATE 0A000): it would refuse it
 * for ever, so it must be thrown away.
 */
export const isPlanOutdated = (error: unknown): boolean => databaseErrorCode(error) === '0A000';
