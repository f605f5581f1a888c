import { evaluator, factOf, MemoryRun } from '../../../test/support/workflow-memory.js';
import { LARGEST_RUN, LARGEST_VALUE, MOST_STEPS } from './bounds.js';
import { type Graph, GraphIndex, type Step } from './graph.js';
import { UNPACED } from './pace.js';
import { Pass } from './pass.js';
import { advance } from './transition.js';

const step = (key: string, type: Step['type'], more: Partial<Step> = {}): Step => ({ key, name: key, type, depends_on: [], join: 'all', on_error: 'fail', config: {}, ...more });
const many = (count: number): Step[] => Array.from({ length: count }, (_, index) => step(`s${index}`, 'task'));
const mapOf = (items: number, steps: Step[], more: object = {}): Graph => ({ steps: [step('each', 'map', { config: { items: Array.from({ length: items }, () => 0), ...more }, scopes: [{ name: 'item', steps }] })] });

describe('a run', () => {
  it('has so many steps: a map that would have more fails before it begins', async () => {
    const run = new MemoryRun(mapOf(1_000, many(MOST_STEPS / 1_000)));
    await run.advance();
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'too_many_steps' } });
    expect(run.rows.stored.size).toBe(1);
  });

  it('opens fewer items at a time where each has many steps', async () => {
    const run = new MemoryRun(mapOf(50, many(999), { concurrency: 50 }));
    await run.advance();
    expect(run.step('each')).toMatchObject({ open: 10, next: 10 });
    expect(run.run.steps).toBe(1 + 10 * 1_000);
  });

  it('has no more of them in maps within maps, each of which had room when it began', async () => {
    const inner = step('inner', 'map', { config: { items: Array.from({ length: 6_000 }, () => 0), concurrency: 10 }, scopes: [{ name: 'item', steps: [step('nap', 'wait', { config: { seconds: 60 } })] }] });
    const run = new MemoryRun(mapOf(20, [inner], { concurrency: 20 }));
    await run.advance();
    expect(run.step('each/19/inner').open).toBe(10);
    run.run.steps = MOST_STEPS + 1;
    run.now = new Date(run.now.getTime() + 60_000);
    await run.advance();
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'too_many_steps' } });
  });

  it('counts what a step is given once, however often it is tried, and what failed tries were answered while there is room', async () => {
    const input = 'x'.repeat(1_000_000);
    const run = new MemoryRun({ steps: [step('a', 'task', { input, retry: { attempts: 40, backoff: 'fixed', delay_seconds: 0, max_delay_seconds: 0, jitter: false } })] });
    await run.advance();
    for (let attempt = 1; attempt < 40; attempt += 1) {
      await run.advance([factOf({ path: 'a', attempt }, 'failed', input)]);
      await run.advance();
    }
    expect([run.step('a').attempt, run.run.status]).toEqual([40, 'running']);
    expect(run.run.content_size).toBeLessThanOrEqual(LARGEST_RUN);
    expect(run.run.content_size).toBeGreaterThan(30_000_000);
  });

  it('holds no value beyond what can be read at once', async () => {
    const large = 'x'.repeat(LARGEST_VALUE);
    const run = new MemoryRun({ steps: [step('a', 'task')] });
    await run.advance();
    await run.advance([factOf({ path: 'a', attempt: 1 }, 'completed', large)]);
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'too_large' } });
    expect(run.step('a').output).toBeNull();
  });

  it('holds not more in all than can be packed at once; told to go on, it counts anew', async () => {
    const part = 'x'.repeat(LARGEST_VALUE - 100);
    const run = new MemoryRun(mapOf(10, [step('work', 'task')]));
    await run.advance();
    for (let item = 0; run.run.status === 'running'; item += 1) await run.advance([factOf({ path: `each/${item}/work`, attempt: 1 }, 'completed', part)]);
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'too_large' } });
    expect(run.run.content_size).toBeLessThanOrEqual(LARGEST_RUN);
    await run.retry();
    expect(run.run).toMatchObject({ status: 'running', content_size: 0 });
  });
});

describe('a transition that has lasted long enough', () => {
  it('hears one more fact, and leaves the others for the next one', async () => {
    const run = new MemoryRun({ steps: many(3) });
    await run.advance();
    const facts = [0, 1, 2].map((index) => factOf({ path: `s${index}`, attempt: 1 }));
    const index = new GraphIndex({ steps: many(3) });
    const pass = new Pass(run.run, index, run.rows, evaluator, run.now, () => 'id', () => 0, { steps: Infinity, isLate: () => true, pace: UNPACED });
    await advance(pass, facts, []);
    run.rows.commit();
    expect(run.statuses()).toEqual({ s0: 'completed', s1: 'waiting', s2: 'waiting' });
    await run.advance(pass.unheard);
    expect(run.run.status).toBe('completed');
  });
});
