import { Loops } from '../../src/platform/jobs/loops.js';
import { Metrics } from '../../src/platform/metrics/metrics.js';
import { eventually } from '../support/eventually.js';
import { type Plane, startPlane } from '../support/plane.js';

const EVERY_MS = 5;

async function startWith(prepare: (loops: Loops) => void): Promise<Plane> {
  return startPlane({ prepare: (app) => prepare(app.get(Loops)) });
}

describe('Loops', () => {
  it('never begins a turn while the one before lasts', async () => {
    let begun = 0;
    let beside = 0;
    let release = (): void => undefined;
    const plane = await startWith((loops) => {
      loops.every('slow', EVERY_MS, (signal) => {
        begun += 1;
        return new Promise((resolve) => {
          release = resolve;
          signal.addEventListener('abort', () => resolve());
        });
      });
      loops.every('quick', EVERY_MS, () => Promise.resolve(void (beside += 1)));
    });
    await eventually(() => begun === 1);
    const before = beside;
    await eventually(() => beside > before + 3);
    expect(begun).toBe(1);
    release();
    await eventually(() => begun === 2);
    await plane.stop();
  });

  it('counts a turn that fails, by loop, and goes on', async () => {
    let begun = 0;
    const plane = await startWith((loops) => {
      loops.every('failing', EVERY_MS, () => {
        begun += 1;
        return begun <= 2 ? Promise.reject(new Error('not now')) : Promise.resolve();
      });
    });
    await eventually(() => begun > 3);
    const text = await plane.app.get(Metrics).registry.metrics();
    expect(text).toContain('wheelhouse_loop_failures_total{loop="failing"} 2');
    await plane.stop();
  });

  it('at the shutdown tells the running turn, waits for it, and takes one more where that is asked for', async () => {
    const seen: string[] = [];
    const plane = await startWith((loops) => {
      loops.every('waits', EVERY_MS, async (signal) => {
        if (seen.length > 0) return;
        seen.push('begun');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        seen.push('ended');
      });
      loops.every('gathers', 3_600_000, () => Promise.resolve(void seen.push('once more')), { onceMore: true });
    });
    await eventually(() => seen.length === 1);
    await plane.stop();
    expect(seen.sort()).toEqual(['begun', 'ended', 'once more']);
  });
});
