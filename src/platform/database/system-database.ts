import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../config/config.js';
import { poolOptions } from './pool-options.js';
import { isPlanOutdated } from './prepared.js';
import { retryConflicts } from './retry-conflicts.js';
import { SYSTEM_ROLE } from './tenant-table.js';

/**
 * The one door to rows of all tenants: looking up a credential before its tenant is known, taking back leases,
 * following the event log, and finding an account by its address. Requests never pass through it with anything that a
 * caller could choose beyond a hash, an id or an address.
 */
@Injectable()
export class SystemDatabase implements OnApplicationShutdown {
  readonly pool: pg.Pool;

  constructor(config: Config) {
    this.pool = new pg.Pool({ ...poolOptions(config, SYSTEM_ROLE, 6), pipeline: true });
    // An idle connection that breaks is replaced by the pool; the statement that needs one next will say what is wrong.
    this.pool.on('error', () => undefined);
  }

  async query<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    const result = await retryConflicts(() => this.pool.query(text, values));
    return result.rows as T[];
  }

  /** Like `query`, with the number of rows that were changed. */
  async execute(text: string, values: unknown[] = []): Promise<number> {
    const result = await retryConflicts(() => this.pool.query(text, values));
    return result.rowCount ?? 0;
  }

  /** Runs `work` in one transaction on one connection. */
  async transaction<T>(work: Work<T>): Promise<T> {
    return inTransaction(this.pool, 'begin', work);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}

/**
 * What runs in a transaction. Who has sent its last statement may call `commitNow` before its answer is there: the commit
 * leaves with it, and is a rollback if it fails. Only what cannot fail may come after that.
 */
export type Work<T> = (client: pg.PoolClient, commitNow: () => void) => Promise<T>;

/** One transaction on one connection of a pool; `work` is run again when the transaction met another (see `retryConflicts`). */
export function inTransaction<T>(pool: pg.Pool, begin: string, work: Work<T>): Promise<T> {
  return retryConflicts(() => tryTransaction(pool, begin, work));
}

/**
 * Its begin leaves together with the first statement of `work` (the pools' connections pipeline). A connection that
 * failed to roll back is thrown away.
 */
async function tryTransaction<T>(pool: pg.Pool, begin: string, work: Work<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  let refusal: Error | undefined;
  let committing: Promise<Error | undefined> | undefined;
  const commitNow = (): void => void (committing ??= commit(client).then(() => undefined, asError));
  const begun = client.query(begin).catch((error: unknown) => (refusal = asError(error)));
  try {
    const result = await work(client, commitNow);
    await begun;
    if (refusal) throw refusal;
    commitNow();
    const failure = await committing;
    if (failure) throw failure;
    return result;
  } catch (error) {
    await begun;
    await committing;
    // A commit that failed on an open transaction leaves nothing to roll back; then this is a warning in the server's log.
    await client.query('rollback').catch((cause: unknown) => (broken = asError(cause)));
    if (isPlanOutdated(error)) broken ??= asError(error);
    // What follows a begin that failed fails too, and says less.
    throw refusal ?? error;
  } finally {
    client.release(broken);
  }
}

/**
 * Commits, and makes sure of it: after a statement that failed, and whose error somebody kept to himself, PostgreSQL
 * answers a commit by rolling back and calls that a success.
 */
export async function commit(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const { command } = await client.query('commit');
  if (command !== 'COMMIT') throw new Error('The transaction was rolled back: one of its statements had failed.');
}

/** What was thrown, as an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
