import { setTimeout as pause } from 'node:timers/promises';
import { isConflict } from './database-problem.js';

const MOST_TRIES = 4;
const FIRST_PAUSE_MS = 10;

/**
 * Runs a whole transaction again when PostgreSQL ended it for the sake of another: a deadlock (40P01) or a serialization
 * failure (40001). Nothing of it is left then, so that running it again is safe as long as it changes the database and
 * nothing else; that is the rule for what runs in a transaction (the rest waits for `afterCommit`). This is done where
 * transactions begin and end, because nothing smaller can be repeated: the transaction is gone, not the statement. And
 * nothing larger: a request may have committed another transaction before.
 */
export async function retryConflicts<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (tries === MOST_TRIES || !isConflict(error)) throw error;
    }
    // Jitter, so that those who met do not meet again.
    await pause(FIRST_PAUSE_MS * 2 ** tries * Math.random());
  }
}
