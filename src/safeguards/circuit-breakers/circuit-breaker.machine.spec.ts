import fc from 'fast-check';
import { admitsProbe, type BreakerSettings, type BreakerStanding, closed, forcedOpen, halfOpened, isProbeDue, opened, openFor, probed, rateBroken, withFailures } from './circuit-breaker.machine.js';

const SETTINGS: BreakerSettings = {
  failure_threshold: 3, failure_rate: null, slow_call_ms: null, slow_call_rate: null, minimum_calls: 4, window_seconds: 10, open_seconds: 30, open_factor: 2, max_open_seconds: 100, half_open_max: 2, success_threshold: 2,
};
const FRESH: BreakerStanding = { state: 'closed', forced: false, epoch: 0, openings: 0, opened_at: null, next_probe_at: null, half_open_successes: 0, failures: [] };
const at = (seconds: number): Date => new Date(1_700_000_000_000 + seconds * 1000);
const fresh = (settings: Partial<BreakerSettings> = {}): BreakerSettings & BreakerStanding => ({ ...SETTINGS, ...FRESH, ...settings });

describe('the machine of a circuit breaker', () => {
  it('opens at exactly so many failures within the window, however they come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 8 }), (gaps, threshold) => {
        let breaker = fresh({ failure_threshold: threshold });
        let now = 0;
        const times: number[] = [];
        for (const gap of gaps) {
          now += gap;
          times.push(now);
          const { failures, tripped } = withFailures(breaker, [[at(now).getTime(), null]], at(now));
          expect(tripped).toBe(times.filter((time) => time > now - 10).length >= threshold);
          expect(failures.length).toBeLessThanOrEqual(threshold);
          if (tripped) return;
          breaker = { ...breaker, failures };
        }
      }),
    );
  });

  it('counts once what is told twice, and not at all what is older than the window', () => {
    const mark = (seconds: number, key: string): [number, string] => [at(seconds).getTime(), key];
    const first = withFailures(fresh(), [mark(0, 'a'), mark(0, 'a'), mark(-20, 'old')], at(1));
    expect(first).toEqual({ failures: [mark(0, 'a')], tripped: false });
    expect(withFailures({ ...fresh(), failures: first.failures }, [mark(0, 'a'), mark(1, 'b')], at(1)).failures).toHaveLength(2);
  });

  it('opens by a rate from the least number of calls on', () => {
    const rates = fresh({ failure_rate: 0.5, slow_call_ms: 100, slow_call_rate: 0.75 });
    expect(rateBroken(rates, { calls: 3, failures: 3, slow: 3 })).toBeUndefined();
    expect(rateBroken(rates, { calls: 4, failures: 1, slow: 2 })).toBeUndefined();
    expect(rateBroken(rates, { calls: 4, failures: 2, slow: 0 })).toBe('2 of 4 calls failed.');
    expect(rateBroken(rates, { calls: 4, failures: 0, slow: 3 })).toBe('3 of 4 calls were slow.');
  });

  it('stays open longer each time in a row, up to the most, and never less than the first time', () => {
    expect([1, 2, 3, 50].map((openings) => openFor(SETTINGS, openings))).toEqual([30, 60, 100, 100]);
    expect(openFor({ ...SETTINGS, max_open_seconds: 5 }, 3)).toBe(30);
  });

  it('lets through no more probes than allowed, and closes at exactly so many successes', () => {
    const endings = fc.array(fc.record({ ask: fc.boolean(), outcome: fc.constantFrom('succeeded', 'failed', 'abandoned') }), { maxLength: 60 });
    fc.assert(
      fc.property(endings, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), (steps, most, enough) => {
        let breaker = { ...fresh({ half_open_max: most, success_threshold: enough }), ...halfOpened({ ...fresh(), ...opened(fresh(), at(0)) }) };
        let underWay = 0;
        let successes = 0;
        for (const { ask, outcome } of steps) {
          if (ask) {
            const admitted = admitsProbe(breaker, underWay);
            if (underWay >= most) expect(admitted).toBe(false);
            if (underWay === 0) expect(admitted).toBe(true);
            if (admitted) underWay += 1;
          } else if (underWay > 0) {
            underWay -= 1;
            if (outcome === 'abandoned') continue;
            if (outcome === 'succeeded') successes += 1;
            breaker = { ...breaker, ...probed(breaker, outcome === 'succeeded', at(40)) };
            if (outcome === 'failed') return expect(breaker).toMatchObject({ state: 'open', openings: 2, next_probe_at: at(100) });
            expect(breaker.state).toBe(successes >= enough ? 'closed' : 'half_open');
            if (breaker.state === 'closed') return expect(breaker).toMatchObject({ openings: 0, failures: [], next_probe_at: null });
          }
        }
      }),
    );
  });

  it('has a probe due when the time is over, unless somebody holds it', () => {
    const open = opened(fresh(), at(0));
    expect([29, 30].map((seconds) => isProbeDue(open, at(seconds)))).toEqual([false, true]);
    expect(isProbeDue(forcedOpen(fresh(), at(0)), at(1_000_000))).toBe(false);
    expect(closed({ ...fresh(), ...open }, true)).toMatchObject({ state: 'closed', forced: true, openings: 0 });
  });

  it('gives every state an epoch of its own, so that what belongs to an earlier one counts no more', () => {
    const changes = fc.array(fc.constantFrom('open', 'half', 'close', 'force', 'fail'), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(changes, (steps) => {
        let breaker = fresh();
        for (const step of steps) {
          const next = { open: () => opened(breaker, at(0)), half: () => halfOpened(breaker), close: () => closed(breaker), force: () => forcedOpen(breaker, at(0)), fail: () => probed(breaker, false, at(0)) }[step]();
          expect(next.epoch).toBe(breaker.epoch + 1);
          breaker = { ...breaker, ...next };
        }
      }),
    );
  });
});
