import { factOf, MemoryRun } from '../../../test/support/workflow-memory.js';
import { LARGEST_RUN, LARGEST_VALUE } from './bounds.js';
import type { Dependency, Graph, Step } from './graph.js';
import { MOST_FACTS } from './transition.js';

const step = (key: string, type: Step['type'], more: Partial<Step> & { after?: (string | Dependency)[] } = {}): Step => {
  const { after = [], ...fields } = more;
  return { key, name: key, type, depends_on: after.map((edge) => (typeof edge === 'string' ? { step: edge } : edge)), join: 'all', on_error: 'fail', config: {}, ...fields };
};
const graphOf = (...steps: Step[]): Graph => ({ steps });
const undo = { type: 'task' as const, config: { title: 'undo' } };

describe('a run', () => {
  it('starts what nothing leads to, and each step when what leads to it is done', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task'), step('b', 'task'), step('c', 'transform', { after: ['a', 'b'], config: { output: { a: '{%$a%}', b: '{%$b%}' } } })));
    expect((await run.advance()).map(({ path }) => path)).toEqual(['a', 'b']);
    await run.advance([factOf({ path: 'b', attempt: 1 }, 'completed', 2)]);
    expect(run.statuses()).toEqual({ a: 'waiting', b: 'completed', c: 'pending' });
    await run.advance([factOf({ path: 'a', attempt: 1 }, 'completed', 1)]);
    expect(run.run).toMatchObject({ status: 'completed', output: { a: 1, b: 2 } });
  });

  it('goes through steps that wait for nothing in one transition', async () => {
    const chain = Array.from({ length: 500 }, (_, index) => step(`s${index}`, 'transform', { ...(index > 0 ? { after: [`s${index - 1}`] } : {}), config: { output: index } }));
    const run = new MemoryRun(graphOf(...chain));
    await run.advance();
    expect(run.run).toMatchObject({ status: 'completed', output: 499, seq: 500 });
  });

  it('takes the branch that a condition chooses, and skips what only the others lead to', async () => {
    const run = new MemoryRun(
      graphOf(
        step('c', 'condition', { config: { branches: [{ name: 'x', when: 'false' }, { name: 'y', when: 'true' }] } }),
        step('dx', 'transform', { after: [{ step: 'c', branch: 'x' }] }), step('dy', 'transform', { after: [{ step: 'c', branch: 'y' }], config: { output: 'y' } }),
        step('after', 'transform', { after: ['dx', 'dy'], config: { output: '{%$dy%}' } }), step('never', 'transform', { after: ['dx'] }),
      ),
    );
    await run.advance();
    expect(run.statuses()).toEqual({ c: 'completed', dx: 'skipped', dy: 'completed', after: 'completed', never: 'skipped' });
    expect(run.run.output).toBe('y');
  });

  it('tries again as its policy says, waits in between, and hears nothing of earlier tries', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task', { retry: { attempts: 3, backoff: 'exponential', delay_seconds: 10, max_delay_seconds: 15, jitter: false, errors: ['http_*', 'timeout'] } })));
    await run.advance();
    await run.advance([factOf({ path: 'a', attempt: 1 }, 'failed', null, 'http_500')]);
    expect(run.step('a')).toMatchObject({ status: 'retrying', due_at: new Date('2026-01-01T00:00:10Z') });
    expect(await run.advance()).toEqual([]);
    run.now = new Date('2026-01-01T00:00:10Z');
    expect(await run.advance()).toMatchObject([{ path: 'a', attempt: 2 }]);
    await run.advance([factOf({ path: 'a', attempt: 1 }, 'completed', 'late')]);
    expect(run.step('a').status).toBe('waiting');
    await run.advance([factOf({ path: 'a', attempt: 2 }, 'failed', null, 'refused')]);
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'refused', message: 'a: a failed' } });
  });

  it('ends a step that takes too long, and gives up what it waited for', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task', { timeout_seconds: 5, on_error: 'continue' }), step('b', 'transform', { after: ['a'] })));
    await run.advance();
    run.now = new Date('2026-01-01T00:00:05Z');
    expect(await run.advance()).toMatchObject([{ kind: 'release', path: 'a', waiting: { kind: 'task', id: 'id-1' } }]);
    expect([run.statuses(), run.run.status, run.step('a').error?.code]).toEqual([{ a: 'failed', b: 'completed' }, 'completed', 'timeout']);
  });

  it('goes to another step when one has failed, and fails where nothing is provided for', async () => {
    const graph = graphOf(step('a', 'task', { on_error: { goto: 'mend' } }), step('b', 'transform', { after: ['a'] }), step('mend', 'transform', { config: { output: 'mended' } }), step('tell', 'notify', { after: [{ step: 'a', on: 'ended' }] }));
    const failed = new MemoryRun(graph);
    await failed.advance();
    await failed.advance([factOf({ path: 'a', attempt: 1 }, 'failed')]);
    expect([failed.run.status, failed.statuses()]).toEqual(['completed', { a: 'failed', b: 'skipped', mend: 'completed', tell: 'completed' }]);
    const well = new MemoryRun(graph);
    await well.advance();
    await well.advance([factOf({ path: 'a', attempt: 1 })]);
    expect(well.statuses()).toEqual({ a: 'completed', b: 'completed', mend: 'skipped', tell: 'completed' });
  });

  it('gives an event as much time as an expression says, if it says a time', async () => {
    const graph = graphOf(step('e', 'wait', { config: { event: { name: 'x.happened', timeout_seconds: '{%input%}' } } }));
    const run = new MemoryRun(graph, 5);
    await run.advance();
    expect(run.step('e').timeout_at).toEqual(new Date('2026-01-01T00:00:05Z'));
    const wrong = new MemoryRun(graph, 'soon');
    await wrong.advance();
    expect(wrong.run).toMatchObject({ status: 'failed', error: { code: 'bad_input', message: 'e: event.timeout_seconds is not a number of seconds.' } });
  });

  it('takes nothing for late that may have come in time and is not heard yet', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task', { timeout_seconds: 5 })));
    await run.advance();
    run.now = new Date('2026-01-01T00:00:05Z');
    await run.advance(Array.from({ length: MOST_FACTS }, () => factOf({ path: 'a', attempt: 99 })));
    await run.advance([factOf({ path: 'a', attempt: 1 }, 'completed', 'in time')]);
    expect(run.run).toMatchObject({ status: 'completed', output: 'in time' });
  });

  it('that is full is undone all the same, and says so', async () => {
    const run = new MemoryRun(graphOf(step('pay', 'task', { compensate: undo }), step('b', 'task', { after: ['pay'] })));
    await run.advance();
    await run.advance([factOf({ path: 'pay', attempt: 1 })]);
    run.run.content_size = LARGEST_RUN;
    expect(await run.advance([factOf({ path: 'b', attempt: 1 }, 'completed', 'no room')])).toMatchObject([{ path: '~1' }]);
    await run.advance([factOf({ path: '~1', attempt: 1 }, 'completed', 'x'.repeat(LARGEST_VALUE))]);
    expect(run.run).toMatchObject({ status: 'failed', error: { code: 'too_large', message: expect.not.stringContaining('undone') as string } });
    expect([run.step('pay').undone, run.step('~1').status, run.step('~1').output]).toEqual([true, 'completed', null]);
  });

  it.each([
    ['cancelled', (run: MemoryRun) => run.cancel('Enough.'), 'Enough.'],
    ['given up', (run: MemoryRun) => run.fail({ code: 'engine_error', message: 'It broke.', passing: false }), 'It broke.'],
  ])('that is %s before it has begun begins nothing, then or later, and does all of it when it is retried', async (_what, end, message) => {
    const run = new MemoryRun(graphOf(step('a', 'task'), step('b', 'transform', { after: ['a'], config: { output: 1 } })));
    expect(await end(run)).toEqual([]);
    expect([run.run.ended_at, run.run.error?.message, run.statuses()]).toEqual([run.now, message, { a: 'cancelled', b: 'cancelled' }]);
    expect(await run.advance()).toEqual([]);
    expect(await run.retry()).toMatchObject([{ path: 'a' }]);
    await run.advance([factOf({ path: 'a', attempt: 1 })]);
    expect(run.run).toMatchObject({ status: 'completed', output: 1, error: null });
  });

  it('that fails gives up what still runs, and undoes what was done, the last first, one after the other', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task', { compensate: undo }), step('b', 'task', { after: ['a'], compensate: undo }), step('slow', 'task'), step('c', 'task', { after: ['b'] })));
    await run.advance();
    await run.advance([factOf({ path: 'a', attempt: 1 })]);
    await run.advance([factOf({ path: 'b', attempt: 1 })]);
    const effects = await run.advance([factOf({ path: 'c', attempt: 1 }, 'failed')]);
    expect(effects).toMatchObject([{ kind: 'release', path: 'slow' }, { kind: 'task', path: '~2' }]);
    expect(run.run.status).toBe('compensating');
    expect(await run.advance([factOf({ path: '~2', attempt: 1 })])).toMatchObject([{ kind: 'task', path: '~1' }]);
    await run.advance([factOf({ path: '~1', attempt: 1 })]);
    expect(run.run).toMatchObject({ status: 'failed', error: { message: 'c: c failed' } });
    expect([run.step('a').undone, run.step('b').undone, run.step('slow').status]).toEqual([true, true, 'cancelled']);
  });

  it('goes on behind an approval that was rejected, where its step says so, and gives an event only so much time', async () => {
    const run = new MemoryRun({ steps: [step('ask', 'approval', { config: { on_reject: 'continue' } }), step('then', 'wait', { after: ['ask'], config: { event: { name: 'task.*', timeout_seconds: 5 } }, on_error: 'continue' })] });
    await run.advance();
    await run.advance([{ ...factOf({ path: 'ask', attempt: 1 }, 'failed', { status: 'rejected' }, 'approval_rejected') }]);
    expect(run.step('ask')).toMatchObject({ status: 'completed', output: { status: 'rejected' } });
    run.now = new Date(run.now.getTime() + 5_000);
    await run.advance();
    expect(run.step('then')).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect(run.run.status).toBe('completed');
  });

  it('counts the tries before a step was undone: what is done again is done anew', async () => {
    const run = new MemoryRun({ steps: [step('pay', 'task', { compensate: undo }), step('ship', 'task', { after: ['pay'] })] });
    await run.advance();
    await run.advance([factOf({ path: 'pay', attempt: 1 })]);
    await run.advance([factOf({ path: 'ship', attempt: 1 }, 'failed')]);
    await run.advance([factOf({ path: '~1', attempt: 1 })]);
    expect(run.run.status).toBe('failed');
    const [again] = await run.retry();
    expect(again).toMatchObject({ path: 'pay', attempt: 2, undone_tries: 1 });
  });

  it('gives a run up that cannot go on, and undoes what it did', async () => {
    const run = new MemoryRun({ steps: [step('pay', 'task', { compensate: undo }), step('ship', 'task', { after: ['pay'] })] });
    await run.advance();
    await run.advance([factOf({ path: 'pay', attempt: 1 })]);
    await run.fail({ code: 'engine_error', message: 'It breaks.', passing: false });
    expect(run.run).toMatchObject({ status: 'compensating', error: { code: 'engine_error' } });
    await run.advance([factOf({ path: '~1', attempt: 1 })]);
    expect(run.run.status).toBe('failed');
  });

  it('tells of each try once, also of one that is given up while it is put off', async () => {
    const run = new MemoryRun({ steps: [step('a', 'task', { retry: { attempts: 3, backoff: 'fixed', delay_seconds: 60, max_delay_seconds: 60, jitter: false } })] });
    const [effect] = await run.advance();
    if (!effect) throw new Error('Nothing was begun.');
    await run.advance([factOf({ path: 'a', attempt: 1 }, 'failed')]);
    expect(run.step('a').status).toBe('retrying');
    await run.cancel();
    await run.retry();
    await run.advance([factOf({ path: 'a', attempt: 2 })]);
    expect(run.run.status).toBe('completed');
    expect([...run.attempts]).toEqual(['a 1', 'a 2']);
  });

  it('undoes the rest though one step cannot be undone, and says which', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task', { compensate: undo }), step('b', 'task', { after: ['a'], compensate: undo }), step('c', 'task', { after: ['b'] })));
    for (const path of ['a', 'b']) {
      await run.advance();
      await run.advance([factOf({ path, attempt: 1 })]);
    }
    await run.cancel();
    for (let attempt = 1; attempt <= 5; attempt++) {
      await run.advance([factOf({ path: '~2', attempt }, 'failed')]);
      run.now = new Date(run.now.getTime() + 60_000);
      await run.advance();
    }
    await run.advance([factOf({ path: '~1', attempt: 1 })]);
    expect(run.run).toMatchObject({ status: 'cancelled', error: { code: 'cancelled', message: 'Enough. b could not be undone.' } });
    expect(run.step('a').undone).toBe(true);
  });

  it('that is paused hears what has ended and starts nothing', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task'), step('b', 'task', { after: ['a'] })));
    await run.advance();
    run.run.status = 'paused';
    expect(await run.advance([factOf({ path: 'a', attempt: 1 })])).toEqual([]);
    expect(run.statuses()).toEqual({ a: 'completed', b: 'ready' });
    expect(await run.resume()).toMatchObject([{ path: 'b' }]);
  });
});

describe('a run that is tried again', () => {
  it('does what failed and what hangs on it, and nothing twice that was done and not undone', async () => {
    const run = new MemoryRun(graphOf(step('a', 'task'), step('b', 'task', { after: ['a'], compensate: undo }), step('c', 'task', { after: ['b'] }), step('d', 'transform', { after: ['c'], config: { output: ['{%$a%}', '{%$b%}', '{%$c%}'] } })));
    await run.advance();
    await run.advance([factOf({ path: 'a', attempt: 1 }, 'completed', 'a1')]);
    await run.advance([factOf({ path: 'b', attempt: 1 }, 'completed', 'b1')]);
    await run.advance([factOf({ path: 'c', attempt: 1 }, 'failed')]);
    await run.advance([factOf({ path: '~2', attempt: 1 })]);
    expect(run.run.status).toBe('failed');
    expect(await run.retry()).toMatchObject([{ path: 'b', attempt: 2 }]);
    await run.advance([factOf({ path: 'b', attempt: 2 }, 'completed', 'b2')]);
    await run.advance([factOf({ path: 'c', attempt: 2 }, 'completed', 'c2')]);
    expect(run.run).toMatchObject({ status: 'completed', error: null, output: ['a1', 'b2', 'c2'] });
  });

  it('keeps the items of a map that were done', async () => {
    const run = new MemoryRun(graphOf(step('each', 'map', { config: { items: [0, 1, 2, 3], concurrency: 2 }, scopes: [{ name: 'item', steps: [step('work', 'task')] }] })));
    await run.advance();
    await run.advance([factOf({ path: 'each/0/work', attempt: 1 }, 'completed', 'r0')]);
    await run.advance([factOf({ path: 'each/1/work', attempt: 1 }, 'failed')]);
    expect(run.run.status).toBe('failed');
    expect((await run.retry()).map(({ path }) => path).sort()).toEqual(['each/1/work', 'each/2/work']);
    for (const index of [1, 2]) await run.advance([factOf({ path: `each/${index}/work`, attempt: 2 }, 'completed', `r${index}`)]);
    await run.advance([factOf({ path: 'each/3/work', attempt: 1 }, 'completed', 'r3')]);
    expect(run.run).toMatchObject({ status: 'completed', output: ['r0', 'r1', 'r2', 'r3'] });
  });
});

describe('a map', () => {
  const graph = (config: object, items: unknown = [1, 2, 3, 4, 5]): Graph => graphOf(step('each', 'map', { config: { items, concurrency: 2, ...config }, scopes: [{ name: 'item', steps: [step('work', 'task', { config: { n: '{%item%}' } }), step('done', 'transform', { after: ['work'], config: { output: ['{%index%}', '{%$work%}'] } })] }] }));

  it('works on some items at a time, and collects in order', async () => {
    const run = new MemoryRun(graph({}));
    expect(await run.advance()).toMatchObject([{ path: 'each/0/work', values: { n: 1 } }, { path: 'each/1/work' }]);
    for (const [index, next] of [[1, 'each/2/work'], [2, 'each/3/work'], [3, 'each/4/work']] as const) expect(await run.advance([factOf({ path: `each/${index}/work`, attempt: 1 }, 'completed', `r${index}`)])).toMatchObject([{ path: next }]);
    await run.advance([factOf({ path: 'each/4/work' }, 'completed', 'r4'), factOf({ path: 'each/0/work' }, 'completed', 'r0')]);
    expect(run.run).toMatchObject({ status: 'completed', output: [0, 1, 2, 3, 4].map((index) => [index, `r${index}`]) });
  });

  it('fails with an item, or goes on without it', async () => {
    const strict = new MemoryRun(graph({}));
    await strict.advance();
    expect(await strict.advance([factOf({ path: 'each/0/work' }, 'failed')])).toMatchObject([{ kind: 'release', path: 'each/1/work' }]);
    expect([strict.run.status, strict.run.error?.message]).toEqual(['failed', 'each: 0: each/0/work failed']);
    const lenient = new MemoryRun(graph({ on_item_error: 'continue' }, [1, 2]));
    await lenient.advance();
    await lenient.advance([factOf({ path: 'each/0/work' }, 'failed'), factOf({ path: 'each/1/work' }, 'completed', 'r1')]);
    expect(lenient.run).toMatchObject({ status: 'completed', output: [null, [1, 'r1']] });
  });

  it('of nothing results in nothing, and of what is no list fails', async () => {
    const empty = new MemoryRun(graph({}, []));
    await empty.advance();
    expect(empty.run).toMatchObject({ status: 'completed', output: [] });
    const none = new MemoryRun(graph({}, 'x'));
    await none.advance();
    expect(none.run).toMatchObject({ status: 'failed', error: { code: 'bad_input' } });
  });
});

describe('parallel branches', () => {
  const graph = (join: unknown): Graph =>
    graphOf(step('both', 'parallel', { config: { join }, scopes: ['l', 'm', 'r'].map((name) => ({ name, steps: [step('x', 'task')] })) }));
  it.each([
    ['all', ['l', 'm', 'r'], { l: 1, m: 1, r: 1 }, []],
    ['any', ['m'], { m: 1 }, ['both/l/x', 'both/r/x']],
    [2, ['r', 'l'], { l: 1, r: 1 }, ['both/m/x']],
  ])('join %p when enough of them are done, and the rest is given up', async (join, done, output, released) => {
    const run = new MemoryRun(graph(join));
    await run.advance();
    let effects: object[] = [];
    for (const name of done) effects = await run.advance([factOf({ path: `both/${name}/x` }, 'completed', 1)]);
    expect(run.run).toMatchObject({ status: 'completed', output });
    expect(effects).toMatchObject(released.map((path) => ({ kind: 'release', path })));
  });

  it('fail when not enough of them can be done any more', async () => {
    const run = new MemoryRun(graph(2));
    await run.advance();
    await run.advance([factOf({ path: 'both/l/x' }, 'failed')]);
    expect(run.run.status).toBe('running');
    await run.advance([factOf({ path: 'both/m/x' }, 'failed')]);
    expect([run.run.status, run.step('both/r/x').status]).toEqual(['failed', 'cancelled']);
  });
});

describe('a wait', () => {
  it('ends when its time has come, or with the event that it is meant for', async () => {
    const run = new MemoryRun(graphOf(step('a', 'wait', { config: { seconds: 30 } }), step('e', 'wait', { config: { event: { name: 'x.happened', match: 'event' } } })));
    await run.advance();
    expect(run.step('a').due_at).toEqual(new Date('2026-01-01T00:00:30Z'));
    await run.advance([factOf({ path: 'e' }, 'completed', { other: true })]);
    expect(run.step('e').status).toBe('waiting');
    await run.advance([factOf({ path: 'e' }, 'completed', true)]);
    run.now = new Date('2026-01-01T00:00:30Z');
    await run.advance();
    expect(run.run.status).toBe('completed');
  });
});
