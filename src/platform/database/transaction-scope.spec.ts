import { afterCommit, assertNotOver, beforeTransaction, besideTransaction, idOfNew, inScope, isInTransaction } from './transaction-scope.js';

describe('a transaction that needs something first', () => {
  it('is run again when it is there, and gives the same ids to what is new', async () => {
    const there = new Set<string>();
    const runs: string[][] = [];
    const got: boolean[] = [];
    const { result } = await inScope(async () => {
      const ids = [idOfNew(), idOfNew()];
      runs.push(ids);
      for (const id of ids) {
        if (there.has(id)) continue;
        beforeTransaction(id, async () => {
          got.push(isInTransaction());
          there.add(id);
        });
      }
      return ids;
    });
    expect(runs).toEqual([result, result, result]);
    expect(new Set(result).size).toBe(2);
    expect(got).toEqual([false, false]);
    expect([isInTransaction(), idOfNew() === result[0]]).toEqual([false, false]);
  });

  it('is left to the outer one, when it runs within another', async () => {
    const order: string[] = [];
    let there = false;
    await inScope(async () => {
      order.push('outer');
      await inScope(async () => {
        order.push('inner');
        if (!there) beforeTransaction('it', async () => void (there = true));
      });
    });
    expect(order).toEqual(['outer', 'inner', 'outer', 'inner']);
  });

  it('fails as the getting fails, and is not run for ever', async () => {
    await expect(inScope(async () => beforeTransaction('it', () => Promise.reject(new Error('away'))))).rejects.toThrow('away');
    let runs = 0;
    await expect(
      inScope(async () => {
        runs += 1;
        beforeTransaction('it', () => Promise.resolve());
      }),
    ).rejects.toThrow('run again');
    expect(runs).toBeLessThan(100);
  });

  it('ends for what it started and did not wait for', async () => {
    const { result: beside } = await inScope(() => besideTransaction(async () => isInTransaction()));
    let later: () => boolean = () => true;
    await inScope(async () => {
      expect(isInTransaction()).toBe(true);
      later = isInTransaction;
    });
    expect([beside, later()]).toEqual([false, false]);
    await expect(Promise.resolve().then(() => beforeTransaction('it', () => Promise.resolve()))).resolves.toBeUndefined();
  });

  it('may need many things, as long as each run gets further', async () => {
    const there = new Set<number>();
    let runs = 0;
    await inScope(async () => {
      runs += 1;
      for (let key = 0; key < 200; key += 1) if (!there.has(key)) beforeTransaction(`key ${key}`, async () => void there.add(key));
    });
    expect([runs, there.size]).toEqual([201, 200]);
  });

  it('is no place for what an earlier run has started', async () => {
    const gate = Promise.withResolvers<undefined>();
    const done: string[] = [];
    let late: Promise<unknown> | undefined;
    const lateOne = async (): Promise<void> => {
      await gate.promise;
      expect(() => assertNotOver()).toThrow('is run again');
      expect(() => afterCommit(() => void done.push('late'))).toThrow('outside of a transaction');
    };
    const { hooks } = await inScope(async () => {
      const run = late ? 'second' : 'first';
      afterCommit(() => void done.push(run));
      if (!late) await Promise.all([(late = lateOne()), Promise.resolve().then(() => beforeTransaction('it', () => Promise.resolve()))]);
      gate.resolve(undefined);
      await late;
    });
    for (const hook of hooks) await hook();
    expect(done).toEqual(['second']);
  });
});

describe('a transaction that met another one', () => {
  it('is run again with the same ids, and what the first try left for its commit is gone', async () => {
    const [runs, done]: [string[][], number[]] = [[], []];
    const { hooks } = await inScope(async () => {
      runs.push([idOfNew(), idOfNew()]);
      afterCommit(() => void done.push(runs.length));
      if (runs.length < 3) throw Object.assign(new Error('deadlock detected'), { code: '40P01' });
    });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    expect(hooks).toHaveLength(1);
  });
});
