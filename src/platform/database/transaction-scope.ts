import { AsyncLocalStorage } from 'node:async_hooks';
import { newId } from '../../core/ids.js';
import { retryConflicts } from './retry-conflicts.js';

/** Work that waits for the commit; its failure is the caller's, though the change stands. */
export type AfterCommit = () => void | Promise<void>;

/** One run of a transaction. What belongs to it stays with it: whatever it has started and did not wait for is no part of the next run. */
export interface Scope {
  open: boolean;
  hooks: AfterCommit[];
  ids: Ids;
}

/** Ids that were given out in a transaction, in their order; the same again when it is run again. */
interface Ids {
  given: string[];
  next: number;
}

/** So often the same thing is brought: it may be gone again before the transaction gets to it, and not for ever. */
const MOST_TIMES = 3;
/** A transaction that needs another new thing each time needs something that it makes up. */
const MOST_RUNS = 10_000;
const scopes = new AsyncLocalStorage<Scope>();

/** Something from outside that a transaction cannot wait for: a connection and its locks would wait with it. */
export class NeededFirst extends Error {
  /** @param what names it: the same thing by the same name */
  constructor(
    readonly what: string,
    readonly get: () => Promise<unknown>,
  ) {
    super('The transaction is run again when it has what it needs.');
  }
}

/** Whether what runs now was called from a transaction that is not over. */
export const isInTransaction = (): boolean => scopes.getStore()?.open === true;

/** @throws Error for what a transaction has started and did not wait for, once it is over or is run again: it is part of no other one */
export function assertNotOver(scope: Scope | undefined = scopes.getStore()): void {
  if (scope && !scope.open) throw new Error('The transaction that this belongs to is over, or is run again: it takes no more statements.');
}

/**
 * Ends the running transaction, which is run again once `get` has brought what it needs. Outside of one it does nothing, and
 * the caller goes on to get it.
 */
export function beforeTransaction(what: string, get: () => Promise<unknown>): void {
  if (isInTransaction()) throw new NeededFirst(what, get);
}

/** Starts what the running transaction does not wait for. */
export const besideTransaction = <T>(work: () => Promise<T>): Promise<T> => scopes.exit(work);

/**
 * Runs `hook` after the running transaction has committed, before its caller gets the result.
 * @throws Error outside of a transaction: there is no commit to wait for
 */
export function afterCommit(hook: AfterCommit): void {
  const scope = scopes.getStore();
  if (!scope?.open) throw new Error('afterCommit is called outside of a transaction.');
  scope.hooks.push(hook);
}

/** The id of something new that gets a key of its own: the same when its transaction is run again for that key. */
export function idOfNew(): string {
  const scope = scopes.getStore();
  if (!scope?.open) return newId();
  const { ids } = scope;
  const id = (ids.given[ids.next] ??= newId());
  ids.next += 1;
  return id;
}

/**
 * Runs a transaction: again whenever it has found out that it needs something first, as long as each run gets further; and when it met
 * another one (`retryConflicts`). One within another leaves the first to the outer one.
 * @returns its result, and what waits for its commit
 */
export async function inScope<T>(transaction: (scope: Scope) => Promise<T>): Promise<{ result: T; hooks: AfterCommit[] }> {
  const outer = scopes.getStore();
  if (outer?.open) return retryConflicts(() => once(transaction, outer.ids));
  const ids: Ids = { given: [], next: 0 };
  const brought = new Map<string, number>();
  for (let runs = 1; ; runs += 1) {
    try {
      return await retryConflicts(() => once(transaction, Object.assign(ids, { next: 0 })));
    } catch (error) {
      if (!(error instanceof NeededFirst)) throw error;
      const times = (brought.get(error.what) ?? 0) + 1;
      if (times > MOST_TIMES || runs === MOST_RUNS) throw error;
      brought.set(error.what, times);
      await error.get();
    }
  }
}

async function once<T>(transaction: (scope: Scope) => Promise<T>, ids: Ids): Promise<{ result: T; hooks: AfterCommit[] }> {
  const scope: Scope = { open: true, hooks: [], ids };
  try {
    return { result: await scopes.run(scope, transaction, scope), hooks: scope.hooks };
  } finally {
    scope.open = false;
  }
}
