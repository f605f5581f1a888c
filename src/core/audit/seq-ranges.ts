export interface SeqRange {
  from: number;
  to: number;
}

/** Numbers of rows as ranges; when there are too many ranges, the rest is only counted. */
export class SeqRanges {
  readonly ranges: SeqRange[] = [];
  count = 0;
  private full = false;

  constructor(private readonly most: number) {}

  /** @param seq larger than all before it */
  add(seq: number): void {
    this.count += 1;
    const last = this.ranges.at(-1);
    if (this.full) return;
    if (last?.to === seq - 1) last.to = seq;
    else if (this.ranges.length < this.most) this.ranges.push({ from: seq, to: seq });
    else this.full = true;
  }
}
