import { SeqRanges } from './seq-ranges.js';

const of = (numbers: readonly number[], most = 10): SeqRanges => {
  const ranges = new SeqRanges(most);
  numbers.forEach((seq) => ranges.add(seq));
  return ranges;
};

describe('numbers of rows as ranges', () => {
  it('joins those that follow each other', () => {
    expect(of([]).ranges).toEqual([]);
    expect(of([3, 4, 5, 9, 11, 12])).toMatchObject({ count: 6, ranges: [{ from: 3, to: 5 }, { from: 9, to: 9 }, { from: 11, to: 12 }] });
  });

  it('only counts what is beyond the last range that it may hold', () => {
    expect(of([1, 3, 5, 6, 4_000], 2)).toMatchObject({ count: 5, ranges: [{ from: 1, to: 1 }, { from: 3, to: 3 }] });
  });
});
