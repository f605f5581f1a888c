import { EvaluatorTurns } from './evaluator-turns.js';

const LONG_MS = 60_000;

describe('evaluators', () => {
  it('are taken by turns between those who wait, whoever came with how many', async () => {
    const turns = new EvaluatorTurns(1);
    expect(await turns.take('busy', LONG_MS)).toBe(true);
    const served: string[] = [];
    const ask = async (group: string, name: string): Promise<void> => {
      await turns.take(group, LONG_MS);
      served.push(name);
      turns.leave();
    };
    const asked = [...[1, 2, 3].map((n) => ask('busy', `busy ${n}`)), ask('other', 'other 1'), ask('third', 'third 1'), ask('other', 'other 2')];
    turns.leave();
    await Promise.all(asked);
    expect(served).toEqual(['busy 1', 'other 1', 'third 1', 'busy 2', 'other 2', 'busy 3']);
    expect(await turns.take('other', LONG_MS)).toBe(true);
  });

  it('are not waited for longer than somebody means to, and go to the next then', async () => {
    const turns = new EvaluatorTurns(1);
    await turns.take('a', LONG_MS);
    const [first, second] = [turns.take('b', 1), turns.take('b', LONG_MS)];
    expect(await first).toBe(false);
    turns.leave();
    expect(await second).toBe(true);
    turns.leave();
    expect(await turns.take('c', 1)).toBe(true);
    expect(await turns.take('c', 1)).toBe(false);
  });
});
