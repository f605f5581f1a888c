import { factOf, MemoryRun } from '../../../test/support/workflow-memory.js';
import type { Step } from './graph.js';

const step = (key: string, type: Step['type'], { after = [], ...fields }: Partial<Step> & { after?: string[] } = {}): Step => ({
  key, name: key, type, depends_on: after.map((of) => ({ step: of })), join: 'all', on_error: 'fail', config: {}, ...fields,
});
const undo = { type: 'task', config: {} } as const;
const BROKEN = { code: 'engine_error', message: 'It breaks.', passing: false };

describe('a run that is given up', () => {
  it('has taken in what happened before, starts nothing of it, and undoes that too', async () => {
    const run = new MemoryRun({ steps: [step('pay', 'task', { compensate: undo }), step('ship', 'task', { after: ['pay'] }), step('wait', 'task')] });
    await run.advance();
    expect(await run.takeIn(factOf({ path: 'pay', attempt: 1 }))).toEqual([]);
    expect(run.statuses()).toEqual({ pay: 'completed', ship: 'ready', wait: 'waiting' });
    const effects = await run.fail(BROKEN);
    expect(effects).toMatchObject([{ kind: 'release', path: 'wait' }, { kind: 'task', path: '~1' }]);
    expect(run.statuses()).toMatchObject({ ship: 'cancelled', wait: 'cancelled' });
  });

  it('says of a step that it was done and is not undone, where that could not be taken in', async () => {
    const run = new MemoryRun({ steps: [step('pay', 'task', { compensate: undo }), step('look', 'task'), step('late', 'task', { compensate: undo })] });
    await run.advance();
    await run.fail(BROKEN, [
      { path: 'pay', attempt: 1, outcome: 'completed', reason: 'too odd' },
      { path: 'look', attempt: 1, outcome: 'completed', reason: 'too odd' },
      { path: 'late', attempt: 0, outcome: 'completed', reason: 'of an earlier try' },
    ]);
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'engine_error', message: 'It breaks. pay was done and is not undone.' } });
    expect(run.step('pay')).toMatchObject({ status: 'cancelled', reason: 'That it completed could not be taken in: too odd' });
    expect(run.step('late').reason).toBe('It breaks.');
  });

  it('keeps its own error when what was taken in has failed it', async () => {
    const run = new MemoryRun({ steps: [step('pay', 'task'), step('wait', 'task')] });
    await run.advance();
    await run.takeIn(factOf({ path: 'pay', attempt: 1 }, 'failed', null, 'no_money'));
    await run.fail(BROKEN);
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'no_money' } });
  });

  it('while it is undone goes on with that: what nobody could take in of a step that undoes counts as its failure', async () => {
    const run = new MemoryRun({ steps: [step('a', 'task', { compensate: undo }), step('b', 'task', { after: ['a'], compensate: undo }), step('c', 'task', { after: ['b'] })] });
    await run.advance();
    for (const path of ['a', 'b']) await run.advance([factOf({ path, attempt: 1 })]);
    await run.cancel();
    expect(await run.takeIn()).toEqual([]);
    expect(await run.fail(BROKEN, [{ path: '~2', attempt: 1, outcome: 'completed', reason: 'too odd' }])).toMatchObject([{ path: '~1' }]);
    await run.advance([factOf({ path: '~1', attempt: 1 })]);
    expect(run.run).toMatchObject({ status: 'cancelled', error: { code: 'cancelled', message: 'Enough. b could not be undone.' } });
  });

  it('while it is undone begins the next undoing, when what was taken in has ended the one before', async () => {
    const run = new MemoryRun({ steps: [step('a', 'task', { compensate: undo }), step('b', 'task', { after: ['a'], compensate: undo }), step('c', 'task', { after: ['b'] })] });
    await run.advance();
    for (const path of ['a', 'b']) await run.advance([factOf({ path, attempt: 1 })]);
    await run.cancel();
    expect(await run.takeIn(factOf({ path: '~2', attempt: 1 }))).toEqual([]);
    expect(await run.fail(BROKEN)).toMatchObject([{ path: '~1' }]);
  });
});
