import { beforeTransaction, besideTransaction, idOfNew, inScope, isInTransaction } from './transaction-scope.js';

describe('a transaction that needs something first', () => {
  it('is run again when it is there, and gives the same ids to what is new', async () => {
    const there = new Set<string>();
    const runs: string[][] = [];
    const got: boolean[] = [];
    const result = await inScope(async () => {
      const ids = [idOfNew(), idOfNew()];
      runs.push(ids);
      for (const id of ids) {
        if (there.has(id)) continue;
        beforeTransaction(async () => {
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
        if (!there) beforeTransaction(async () => void (there = true));
      });
    });
    expect(order).toEqual(['outer', 'inner', 'outer', 'inner']);
  });

  it('fails as the getting fails, and is not run for ever', async () => {
    await expect(inScope(async () => beforeTransaction(() => Promise.reject(new Error('away'))))).rejects.toThrow('away');
    let runs = 0;
    await expect(
      inScope(async () => {
        runs += 1;
        beforeTransaction(() => Promise.resolve());
      }),
    ).rejects.toThrow('run again');
    expect(runs).toBeLessThan(100);
  });

  it('ends for what it started and did not wait for', async () => {
    const beside = await inScope(() => besideTransaction(async () => isInTransaction()));
    let later: () => boolean = () => true;
    await inScope(async () => {
      expect(isInTransaction()).toBe(true);
      later = isInTransaction;
    });
    expect([beside, later()]).toEqual([false, false]);
    await expect(Promise.resolve().then(() => beforeTransaction(() => Promise.resolve()))).resolves.toBeUndefined();
  });
});
