import { AsyncLocalStorage } from 'node:async_hooks';
import { newId } from '../../core/ids.js';

interface Scope {
  open: boolean;
  /** Ids that were given out in this transaction, in their order; kept when it is run again. */
  ids: string[];
  next: number;
}

/** Each run finds out one thing that it needs; none needs so many. */
const MOST_RUNS = 20;
const scopes = new AsyncLocalStorage<Scope>();

/** Something from outside that a transaction cannot wait for: a connection and its locks would wait with it. */
export class NeededFirst extends Error {
  constructor(readonly get: () => Promise<unknown>) {
    super('The transaction is run again when it has what it needs.');
  }
}

/** Whether what runs now was called from a transaction that is not over. */
export const isInTransaction = (): boolean => scopes.getStore()?.open === true;

/**
 * Ends the running transaction, which is run again once `get` has brought what it needs. Outside of one it does nothing, and
 * the caller goes on to get it.
 */
export function beforeTransaction(get: () => Promise<unknown>): void {
  if (isInTransaction()) throw new NeededFirst(get);
}

/** Starts what the running transaction does not wait for. */
export const besideTransaction = <T>(work: () => Promise<T>): Promise<T> => scopes.exit(work);

/** The id of something new that gets a key of its own: the same when its transaction is run again for that key. */
export function idOfNew(): string {
  const scope = scopes.getStore();
  if (!scope?.open) return newId();
  const id = (scope.ids[scope.next] ??= newId());
  scope.next += 1;
  return id;
}

/** Runs a transaction, again whenever it has found out that it needs something first. One within another leaves that to the outer one. */
export async function inScope<T>(transaction: () => Promise<T>): Promise<T> {
  if (isInTransaction()) return transaction();
  const ids: string[] = [];
  for (let run = 1; ; run += 1) {
    const scope: Scope = { open: true, ids, next: 0 };
    const needed = await scopes
      .run(scope, transaction)
      .then((result) => ({ result }))
      .catch((error: unknown) => {
        if (!(error instanceof NeededFirst) || run === MOST_RUNS) throw error;
        return error;
      })
      .finally(() => {
        scope.open = false;
      });
    if (!(needed instanceof NeededFirst)) return needed.result;
    await needed.get();
  }
}
