/** Places that are taken for a while. Who waits for one is served by turns between groups, within a group in the order of coming. */
export class EvaluatorTurns {
  /** The group that is next comes first. */
  private readonly waiting = new Map<string, (() => void)[]>();

  constructor(private free: number) {}

  /**
   * Takes a place; `leave` gives it back.
   * @returns false when none was free for so long
   */
  async take(group: string, milliseconds: number): Promise<boolean> {
    if (this.free > 0) {
      this.free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.forget(group, serve);
        resolve(false);
      }, milliseconds);
      const serve = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      this.waiting.set(group, [...(this.waiting.get(group) ?? []), serve]);
    });
  }

  leave(): void {
    const [next] = this.waiting;
    if (!next) {
      this.free += 1;
      return;
    }
    const [group, [serve, ...others]] = next;
    // Behind the other groups that wait.
    this.waiting.delete(group);
    if (others.length > 0) this.waiting.set(group, others);
    serve?.();
  }

  private forget(group: string, serve: () => void): void {
    const others = (this.waiting.get(group) ?? []).filter((one) => one !== serve);
    if (others.length > 0) this.waiting.set(group, others);
    else this.waiting.delete(group);
  }
}
