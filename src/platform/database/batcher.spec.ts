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

  it('rejects every input of a batch that failed and goes on with the next', async () => {
    let fail = true;
    const batcher = new Batcher<number, number>(
      (_key, inputs) => (fail ? Promise.reject(new Error('away')) : Promise.resolve(inputs)),
      10,
      1,
    );
    const failed = await Promise.allSettled([batcher.add('a', 1), batcher.add('a', 2)]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fail = false;
    expect(await batcher.add('a', 3)).toBe(3);
  });
});
