import { BREAKER, checkProbes, type ProbeSnapshot } from './check-probes.ts';

const right: ProbeSnapshot = {
  transitions: [{ to_state: 'open', at: 1_000 }, { to_state: 'half_open', at: 3_000 }, { to_state: 'open', at: 3_200 }, { to_state: 'half_open', at: 5_000 }],
  arrivals: [{ at: 900, atOnce: 9 }, { at: 1_100, atOnce: 9 }, { at: 3_010, atOnce: 1 }, { at: 3_020, atOnce: 2 }, { at: 5_010, atOnce: 1 }],
  broken: [],
};
const rules = (change: Partial<ProbeSnapshot>): string[] => checkProbes({ ...right, ...change }).map(({ rule }) => rule);
const more = (...at: number[]): ProbeSnapshot['arrivals'] => [...right.arrivals, ...at.map((time) => ({ at: time, atOnce: 1 }))];

describe('what is checked of probes', () => {
  it('finds nothing where only probes arrive, and those in the place of lost ones', () => {
    expect(rules({})).toEqual([]);
    expect(rules({ arrivals: more(3_100, 3_110), broken: [3_050] })).toEqual([]);
  });

  it.each([
    ['breaker never opened', { transitions: [] }],
    ['too many probes', { arrivals: [...right.arrivals, { at: 5_020, atOnce: BREAKER.half_open_max + 1 }] }],
    ['too many probes', { arrivals: more(3_100) }],
    ['called behind an open breaker', { arrivals: more(2_500) }],
    ['called behind an open breaker', { arrivals: [{ at: 900, atOnce: 9 }, { at: 3_010, atOnce: 1 }, { at: 4_500, atOnce: 1 }] }],
  ])('notices: %s', (rule, change) => {
    expect(rules(change)).toEqual([rule]);
  });
});
