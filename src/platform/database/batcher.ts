interface Item<I, O> {
  input: I;
  resolve: (output: O) => void;
  reject: (error: unknown) => void;
}

/**
 * Group commit for concurrent callers: while the batches that may run at once are running, new inputs gather and go
 * together in the next one. A lone caller never waits; under load the batch grows with the load, without a timer.
 * Source of the idea: P. Helland et al., "Group Commit Timers and High Volume Transaction Systems", HPTS 1987.
 */
export class Batcher<I, O> {
  private readonly queues = new Map<string, Item<I, O>[]>();
  private readonly running = new Map<string, number>();
  private readonly weigh: (input: I) => number;
  private readonly mostWeight: number;
  private readonly concernsAll: (error: unknown) => boolean;

  /**
   * @param work runs one batch in one transaction and answers each input, in order; a throw rejects all of the batch
   * @param mostItems inputs in one batch
   * @param mostRunning batches of one key at the same time
   * @param options `weigh`: how much an input adds to a batch of at most `mostWeight`; `concernsAll`: whether an error is
   * about the database and not about one input, so that running each alone would only fail again
   */
  constructor(
    private readonly work: (key: string, inputs: I[]) => Promise<O[]>,
    private readonly mostItems: number,
    private readonly mostRunning: number,
    options: { weigh?: (input: I) => number; mostWeight?: number; concernsAll?: (error: unknown) => boolean } = {},
  ) {
    this.weigh = options.weigh ?? (() => 0);
    this.mostWeight = options.mostWeight ?? Number.POSITIVE_INFINITY;
    this.concernsAll = options.concernsAll ?? ((): boolean => false);
  }

  /** Adds an input to the next batch of `key` (the tenant: one transaction sees one tenant). */
  add(key: string, input: I): Promise<O> {
    return new Promise<O>((resolve, reject) => {
      const queue = this.queues.get(key) ?? [];
      queue.push({ input, resolve, reject });
      this.queues.set(key, queue);
      // In the next turn of the event loop, so that requests that arrived in the same one go together.
      if (queue.length === 1) setImmediate(() => this.start(key));
    });
  }

  private start(key: string): void {
    const queue = this.queues.get(key);
    const running = this.running.get(key) ?? 0;
    if (!queue || queue.length === 0 || running >= this.mostRunning) return;
    const items = this.take(queue);
    if (queue.length === 0) this.queues.delete(key);
    this.running.set(key, running + 1);
    void this.run(key, items)
      .finally(() => {
        const left = (this.running.get(key) ?? 1) - 1;
        if (left === 0) this.running.delete(key);
        else this.running.set(key, left);
        this.start(key);
      });
    // What one batch could not take may go in another beside it.
    this.start(key);
  }

  /** As many as go together: no more than `mostItems`, and no more than `mostWeight` beyond the first. */
  private take(queue: Item<I, O>[]): Item<I, O>[] {
    let weight = 0;
    let count = 0;
    while (count < queue.length && count < this.mostItems) {
      weight += this.weigh((queue[count] as Item<I, O>).input);
      if (count > 0 && weight > this.mostWeight) break;
      count += 1;
    }
    return queue.splice(0, count);
  }

  /** A batch that fails is run again one by one: what is wrong with one input is no reason to refuse the others. */
  private async run(key: string, items: readonly Item<I, O>[]): Promise<void> {
    try {
      const outputs = await this.work(key, items.map(({ input }) => input));
      items.forEach((item, index) => item.resolve(outputs[index] as O));
    } catch (error) {
      if (items.length === 1 || this.concernsAll(error)) items.forEach((item) => item.reject(error));
      else for (const item of items) await this.run(key, [item]);
    }
  }
}
