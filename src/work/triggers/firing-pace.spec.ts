import { decide, type Pace, type PaceState } from './firing-pace.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1) + second * 1000);
const NEW: PaceState = { last_fired_at: null, hour_at: null, hour_count: 0, gathering: null };

/** What becomes of events at these seconds: + fires, . joins, c and r are passed over. */
function outcomes(pace: Partial<Pace>, seconds: readonly number[]): string {
  let state = NEW;
  let next = 0;
  return seconds
    .map((second) => {
      const { decision, state: after } = decide({ max_per_hour: 100, cooldown_seconds: 0, coalesce_seconds: 0, ...pace }, state, at(second), String((next += 1)));
      state = after;
      if ('fire' in decision) return '+';
      return 'join' in decision ? '.' : decision.skip.charAt(0);
    })
    .join('');
}

describe('the pace of a trigger', () => {
  it('fires for each event where nothing holds it', () => {
    expect(outcomes({}, [0, 0, 1, 2])).toBe('++++');
  });

  it('passes over what comes within the cooldown of a firing', () => {
    expect(outcomes({ cooldown_seconds: 10 }, [0, 1, 9, 10, 19, 20])).toBe('+cc+c+');
  });

  it('makes one firing of what comes within a window of the first', () => {
    expect(outcomes({ coalesce_seconds: 10 }, [0, 1, 9, 10, 11, 25])).toBe('+..+.+');
    const { decision } = decide({ max_per_hour: 1, cooldown_seconds: 0, coalesce_seconds: 10 }, NEW, at(0), 'a');
    expect(decision).toEqual({ fire: { due: at(10) } });
  });

  it('counts a cooldown from the end of the window', () => {
    expect(outcomes({ coalesce_seconds: 10, cooldown_seconds: 10 }, [0, 9, 10, 19, 20, 21])).toBe('+.cc+.');
  });

  it('fires so often in an hour, which begins with its first firing', () => {
    expect(outcomes({ max_per_hour: 2 }, [0, 10, 20, 3599, 3600, 3601, 3602, 7200])).toBe('++rr++r+');
  });

  it('counts what joins a firing once', () => {
    expect(outcomes({ max_per_hour: 1, coalesce_seconds: 10 }, [0, 1, 2, 3, 11])).toBe('+...r');
  });

  it('bears events that are not in the order of their times', () => {
    expect(outcomes({ cooldown_seconds: 10 }, [20, 15, 25, 31])).toBe('+cc+');
    expect(outcomes({}, [20, 15, 25])).toBe('+++');
  });

  it('loses nothing that is heard of when its window has been closed already', () => {
    const { state } = decide({ max_per_hour: 9, cooldown_seconds: 0, coalesce_seconds: 10 }, NEW, at(0), 'a');
    const late = decide({ max_per_hour: 9, cooldown_seconds: 0, coalesce_seconds: 10 }, { ...state, gathering: null }, at(8), 'b');
    expect(late.decision).toEqual({ fire: { due: at(18) } });
    expect(decide({ max_per_hour: 9, cooldown_seconds: 0, coalesce_seconds: 2 }, { ...state, gathering: null }, at(1), 'c').state.last_fired_at).toEqual(at(10));
  });
});
