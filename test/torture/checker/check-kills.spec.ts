import { checkKills } from './check-kills.ts';

const points = ['before', 'after'];
const details = (counts: Record<string, number>, options: { seconds: number; plant?: string } = { seconds: 30 }, known = points): string[] => checkKills({ points: known, counts }, options).map(({ detail }) => detail);

describe('what is checked of processes that end themselves', () => {
  it('finds nothing where each point was hit, in short runs, and where a fault is planted', () => {
    expect(details({ before: 1, after: 3 })).toEqual([]);
    expect(details({}, { seconds: 29 })).toEqual([]);
    expect(details({}, { seconds: 60, plant: 'no-fence' })).toEqual([]);
  });

  it('notices each point that was not', () => {
    expect(details({ after: 3 })).toEqual(['before']);
    expect(details({})).toEqual(points);
    expect(details({ before: 1 }, { seconds: 30 }, [])).toHaveLength(1);
  });
});
