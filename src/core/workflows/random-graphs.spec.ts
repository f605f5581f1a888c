import fc from 'fast-check';
import { factOf, MemoryRun } from '../../../test/support/workflow-memory.js';
import { predict } from '../../../test/support/workflow-reference.js';
import { randomGraph } from '../../../test/support/workflow-graphs.js';
import { isEnding } from './rows.js';
import type { Effect } from './pass.js';

/** Moves a run on to its end: what is outside ends in any order, some of it is told twice, and now and then the run is paused. */
async function play(run: MemoryRun, fails: (path: string) => boolean, random: () => number, begin = (): Promise<Effect[]> => run.advance()): Promise<void> {
  const open: Effect[] = [];
  const keep = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      const at = effect.kind === 'release' ? open.findIndex(({ path }) => path === effect.path) : -1;
      if (at >= 0) open.splice(at, 1);
      if (effect.kind === 'release') continue;
      if (effect.kind !== 'notify') open.push(effect);
    }
  };
  keep(await begin());
  for (let turn = 0; open.length > 0; turn++) {
    if (turn > 5_000) throw new Error('The run does not come to its end.');
    const [effect] = open.splice(Math.floor(random() * open.length), 1) as [Effect];
    const attempt = effect.kind === 'release' ? 0 : effect.attempt;
    const fact = factOf({ path: effect.path, attempt }, !effect.path.startsWith('~') && fails(effect.path) ? 'failed' : 'completed', effect.path);
    if (random() < 0.1 && run.run.status === 'running') run.run.status = 'paused';
    keep(await run.advance(random() < 0.2 ? [fact, fact] : [fact]));
    if (run.run.status === 'paused' && (open.length === 0 || random() < 0.5)) keep(await run.resume());
  }
}

/** Deterministic, so that a counterexample can be run again. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

describe('graphs made at random', () => {
  it('end as the plain reading of their edges says, in whatever order things happen', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer(), fc.constantFrom(Infinity, 1, 3), async (shape, order, steps) => {
        const { graph, fails } = randomGraph(randomOf(shape));
        const expected = predict(graph, fails);
        const run = new MemoryRun(graph, {}, () => 0.5, steps);
        await play(run, fails, randomOf(order));
        expect(run.run.status).toBe(expected.failed ? 'failed' : 'completed');
        const statuses = run.statuses();
        for (const path of expected.failed ? [] : expected.certain) expect([path, statuses[path]]).toEqual([path, expected.endings.get(path)]);
        const rows = [...run.rows.stored.values()];
        expect(rows.filter(({ status }) => !isEnding(status)).map(({ path }) => path)).toEqual([]);
        // Each try had its effect once.
        const tries = run.effects.flatMap((effect) => (effect.kind === 'release' ? [] : [`${effect.path} ${effect.attempt}`]));
        expect(new Set(tries).size).toBe(tries.length);
        if (!expected.failed) return;
        // All that can be undone was undone, the last first.
        expect(rows.filter(({ undoable }) => undoable)).toEqual([]);
        const undone = run.effects.flatMap(({ path }) => (path.startsWith('~') ? [Number(path.slice(1))] : []));
        expect(undone).toEqual([...undone].sort((a, b) => b - a));
        // Tried again when nothing fails any more, it comes to its end, and what it had done it does not do again.
        const done = rows.filter(({ type, status, undone: isUndone }) => type === 'task' && status === 'completed' && !isUndone).map(({ path, attempt }) => [path, attempt] as const);
        await play(run, () => false, randomOf(order + 1), () => run.retry());
        expect(run.run.status).toBe('completed');
        expect([...run.rows.stored.values()].filter(({ status }) => !isEnding(status))).toEqual([]);
        for (const [path, attempt] of done) expect([path, run.step(path).attempt]).toEqual([path, attempt]);
      }),
      { numRuns: 400 },
    );
  });
});
