import { eventually } from '../support/eventually.js';
import { type Run, run, start, step, workflowOf } from '../support/runs.js';
import { startTwo, stopTwo } from '../support/two-planes.js';

/** Large runs, to their end. How long they take is measured in bench/; here they have to come to the right end at all. */
describe('a run with', () => {
  beforeAll(() => startTwo());
  afterAll(stopTwo);

  async function done(workflowId: string, input: object = {}): Promise<Run> {
    const id = await start(workflowId, input);
    return eventually(async () => {
      const now = await run(id);
      return now.status === 'completed' || now.status === 'failed' ? now : undefined;
    }, 60_000);
  }

  it('10,000 steps, each behind the one before', async () => {
    const chain = Array.from({ length: 10_000 }, (_, n) => (n === 0 ? step('s0', 'transform', { config: { output: 0 } }) : step(`s${n}`, 'transform', { config: { output: `{% $steps.s${n - 1}.output + 1 %}` } }, `s${n - 1}`)));
    expect(await done(await workflowOf(chain))).toMatchObject({ status: 'completed', output: 9_999, step_counts: { completed: 10_000 } });
  }, 90_000);

  it('10,000 steps beside each other, which meet again', async () => {
    const keys = Array.from({ length: 9_998 }, (_, n) => `s${n}`);
    const wide = [step('first', 'transform'), ...keys.map((key) => step(key, 'transform', {}, 'first')), step('last', 'transform', { config: { output: 'met' } }, ...keys)];
    expect(await done(await workflowOf(wide))).toMatchObject({ status: 'completed', output: 'met', step_counts: { completed: 10_000 } });
  }, 90_000);

  it('a map of 5,000 items, whose outputs come in their order', async () => {
    const items = Array.from({ length: 5_000 }, (_, n) => n);
    const each = step('each', 'map', {
      config: { items: '{% $input.items %}', concurrency: 100 },
      scopes: [{ name: 'item', steps: [step('nap', 'wait', { when: '$index % 500 = 0', config: { seconds: 0.01 } }), step('double', 'transform', { config: { output: '{% $item * 2 %}' } }, 'nap')] }],
    });
    // Where the nap is skipped, what hangs on it alone is skipped too.
    const { status, output, steps } = await done(await workflowOf([each]), { items });
    expect(status).toBe('completed');
    expect(output).toEqual(items.map((n) => (n % 500 === 0 ? n * 2 : null)));
    expect(steps.find(({ path }) => path === 'each')).toMatchObject({ scopes: { open: 0, completed: 5_000, failed: 0 } });
  }, 90_000);
});
