import type { ScopeGraph, Step } from './graph.js';
import { failure, type Pass } from './pass.js';

/** Characters of JSON that one value of a run has at most: an input, an output. */
export const LARGEST_VALUE = 8_388_608;
/** Characters of JSON that all values of a run have together: so much is read and packed at once in the worst case. */
export const LARGEST_RUN = 33_554_432;
/** Steps and scopes that a run has at most, about. */
export const MOST_STEPS = 100_000;
/** Steps and scopes that a `map` opens at once. */
const MOST_OPENED = 10_000;
const DEFAULT_CONCURRENCY = 10;

/**
 * Takes a value in among those that the run holds.
 * @param before what it takes the place of: an input of another try, mostly
 * @returns the value
 * @throws StepFailure `too_large`
 */
export function take(pass: Pass, value: unknown, before: unknown = null): unknown {
  const size = sizeOf(value);
  if (size > LARGEST_VALUE) throw failure('too_large', `It has ${size} characters as JSON, and a value has ${LARGEST_VALUE} at most.`);
  const grown = Math.max(0, pass.run.content_size + size - sizeOf(before));
  if (grown > LARGEST_RUN) throw failure('too_large', `With its ${size} characters the run would hold more than ${LARGEST_RUN}.`);
  pass.run.content_size = grown;
  return value;
}

/** What a try that failed was answered: kept as long as there is room for it. */
export function takeIfRoom(pass: Pass, value: unknown): unknown {
  const size = sizeOf(value);
  if (size > LARGEST_VALUE || pass.run.content_size + size > LARGEST_RUN) return null;
  pass.run.content_size += size;
  return value;
}

/** What undoes something is done whatever the run holds: one that is full is undone because of that. An answer that is too large is not kept. */
export const keep = (value: unknown): unknown => (sizeOf(value) > LARGEST_VALUE ? null : value);

const sizeOf = (value: unknown): number => (value === null || value === undefined ? 0 : JSON.stringify(value).length);

/** How many items of a `map` are worked on at a time: as its author says, fewer where each is many steps. */
export function concurrencyOf({ config, scopes }: Step): number {
  const wanted = typeof config['concurrency'] === 'number' ? config['concurrency'] : DEFAULT_CONCURRENCY;
  return Math.max(1, Math.min(wanted, Math.floor(MOST_OPENED / itemRows(scopes))));
}

/** @throws StepFailure `too_many_steps` where all items of a `map` together would be too much for a run */
export function checkRoom({ run }: Pass, { scopes }: Step, items: number): void {
  const size = itemRows(scopes);
  if (run.steps + items * size > MOST_STEPS) throw failure('too_many_steps', `With ${items} items of ${size} steps the run would have more than ${MOST_STEPS}.`);
}

/** Maps in a map each had room when they began: what they open together is looked at again with each item. */
export const isFull = ({ run }: Pass): boolean => run.steps > MOST_STEPS;

const itemRows = (scopes: Step['scopes']): number => (scopes?.[0] ? rowsOf(scopes[0]) : 1);

/** Rows of a scope: itself, its steps, and the branches in it. Items of a `map` in it are counted when it starts. */
const rowsOf = ({ steps }: ScopeGraph): number => 1 + steps.reduce((sum, step) => sum + 1 + branchRows(step), 0);

const branchRows = ({ type, scopes = [] }: Step): number => (type === 'parallel' ? scopes.reduce((sum, scope) => sum + rowsOf(scope), 0) : 0);
