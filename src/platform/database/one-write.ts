import type { Writable } from 'node:stream';
import type pg from 'pg';

/**
 * Lets the statements that are handed to a connection in one go leave in one write to its socket: a begin with the
 * statement behind it, a statement with its commit. Each write costs as much as a small statement does.
 */
export function writeInOneGo(client: pg.ClientBase): void {
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  const query = client.query.bind(client) as (...given: unknown[]) => unknown;
  let gathering = false;
  client.query = ((...given: unknown[]) => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      whenSettled(() => {
        gathering = false;
        stream.uncork();
      });
    }
    return query(...given);
  }) as typeof client.query;
}

/** After all promises that can settle without waiting for the outside have settled. */
function whenSettled(done: () => void): void {
  // Ticks run before promises when this is called from an event, and after them when it is called from a promise.
  process.nextTick(() => queueMicrotask(() => process.nextTick(done)));
}
