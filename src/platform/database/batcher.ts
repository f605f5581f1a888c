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

  /**
   * @param work runs one batch in one transaction and answers each input, in order; a throw rejects all of the batch
   * @param mostItems inputs in one batch
   * @param mostRunning batches of one key at the same time
   */
  constructor(
    private readonly work: (key: string, inputs: I[]) => Promise<O[]>,
    private readonly mostItems: number,
    private readonly mostRunning: number,
  ) {}

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
    const items = queue.splice(0, this.mostItems);
    if (queue.length === 0) this.queues.delete(key);
    this.running.set(key, running + 1);
    this.work(key, items.map(({ input }) => input))
      .then((outputs) => items.forEach((item, index) => item.resolve(outputs[index] as O)))
      .catch((error: unknown) => items.forEach((item) => item.reject(error)))
      .finally(() => {
        const left = (this.running.get(key) ?? 1) - 1;
        if (left === 0) this.running.delete(key);
        else this.running.set(key, left);
        this.start(key);
      });
  }
}
