import { Problem } from '../../core/problem.js';
import { isWithinRanges, rangeOf, rangesOf } from '../../platform/networks/ip-ranges.js';

/**
 * The addresses of a new key, within those of the key that it is made with: all of them when it asks for none.
 * @throws Problem `scope_exceeded` with the ranges that go beyond
 */
export function addressesWithin(asked: readonly string[], bound: readonly string[]): string[] {
  if (bound.length === 0) return [...asked];
  if (asked.length === 0) return [...bound];
  const ranges = rangesOf(bound);
  const beyond = asked.filter((text) => {
    const range = rangeOf(text);
    return !range || !isWithinRanges(ranges, range);
  });
  if (beyond.length > 0) throw new Problem('scope_exceeded', { detail: 'A key is taken from no more addresses than the key that it is made with.', extra: { addresses: beyond } });
  return [...asked];
}
