import { Batcher } from './batcher.js';

/** Batches that end when the test says so. */
function controlled(): { batches: number[][]; finish: () => void; batcher: Batcher<number, number> } {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const batcher = new Batcher<number, number>(
    async (_key, inputs) => {
      batches.push(inputs);
      await new Promise<void>((resolve) => gates.push(resolve));
      return inputs.map((input) => input * 10);
    },
    3,
    1,
  );
  return { batches, finish: () => gates.shift()?.(), batcher };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Batcher', () => {
  it('runs a lone input at once and gathers what arrives meanwhile, up to the most per batch', async () => {
    const { batches, finish, batcher } = controlled();
    const answers = [batcher.add('a', 1)];
    await turn();
    answers.push(...[2, 3, 4, 5].map((n) => batcher.add('a', n)));
    await turn();
    expect(batches).toEqual([[1]]);
    finish();
    await turn();
    expect(batches).toEqual([[1], [2, 3, 4]]);
    finish();
    await turn();
    finish();
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50]);
  });

  it('keeps keys apart', async () => {
    const { batches, finish, batcher } = controlled();
    const answers = [batcher.add('a', 1), batcher.add('b', 2)];
    await turn();
    expect(batches).toEqual([[1], [2]]);
    finish();
    finish();
    expect(await Promise.all(answers)).toEqual([10, 20]);
  });

  it('refuses only the input that is wrong, and goes on', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      (_key, inputs) => {
        batches.push(inputs);
        return inputs.includes(2) ? Promise.reject(new Error('wrong')) : Promise.resolve(inputs);
      },
      10,
      1,
    );
    const settled = await Promise.allSettled([1, 2, 3].map((input) => batcher.add('a', input)));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(batches).toEqual([[1, 2, 3], [1], [2], [3]]);
    expect(await batcher.add('a', 4)).toBe(4);
  });

  it('rejects all of a batch, without trying each, when the error concerns all', async () => {
    let runs = 0;
    const batcher = new Batcher<number, number>(() => Promise.reject(new Error(`away ${(runs += 1)}`)), 10, 1, { concernsAll: () => true });
    const settled = await Promise.allSettled([1, 2].map((input) => batcher.add('a', input)));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(runs).toBe(1);
  });

  it('keeps a batch under its weight', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      (_key, inputs) => {
        batches.push(inputs);
        return Promise.resolve(inputs);
      },
      10,
      1,
      { weigh: (input) => input, mostWeight: 5 },
    );
    await Promise.all([9, 2, 3, 1].map((input) => batcher.add('a', input)));
    expect(batches).toEqual([[9], [2, 3], [1]]);
  });
});
