import { Problem } from '../../core/problem.js';
import { databaseErrorCode, databaseProblem } from '../database/database-problem.js';
import { NeededFirst } from '../database/transaction-scope.js';

/**
 * Whether what `TenantCipher.open` threw means that the bytes are not what was sealed. Problems, errors of the database and
 * keys that are still to be had say nothing of them.
 */
export const isDamage = (error: unknown): boolean =>
  !(error instanceof Problem || error instanceof NeededFirst || databaseErrorCode(error) !== undefined || databaseProblem(error));
