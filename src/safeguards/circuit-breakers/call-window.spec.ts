import fc from 'fast-check';
import { CallWindow } from './call-window.js';

const call = fc.record({ after: fc.nat(4_000), failed: fc.boolean(), slow: fc.boolean() });

describe('the window of calls', () => {
  it('counts what happened in it, to a tenth of its length', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (calls, seconds) => {
        let now = 0;
        const window = new CallWindow(seconds, () => now);
        const seen: { at: number; failed: boolean; slow: boolean }[] = [];
        for (const { after, failed, slow } of calls) {
          now += after;
          seen.push({ at: now, failed, slow });
          const counts = window.add({ failed, slow });
          const since = (length: number): typeof seen => seen.filter(({ at }) => at > now - length);
          const length = seconds * 1000;
          for (const [field, of] of [['calls', () => true], ['failures', (one: { failed: boolean }) => one.failed], ['slow', (one: { slow: boolean }) => one.slow]] as const) {
            expect(counts[field]).toBeLessThanOrEqual(since(length).filter(of).length);
            expect(counts[field]).toBeGreaterThanOrEqual(since(length * 0.9).filter(of).length);
          }
        }
      }),
    );
  });

  it('is empty again when nothing has happened for its length', () => {
    let now = 0;
    const window = new CallWindow(10, () => now);
    window.add({ failed: true, slow: true });
    now = 10_000;
    expect(window.counts()).toEqual({ calls: 0, failures: 0, slow: 0 });
  });
});
