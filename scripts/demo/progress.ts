/** A progress bar on a terminal, and now and then a line elsewhere. */
export class Progress {
  private readonly total: number;
  private readonly print: (line: string) => void;
  private readonly startedAt = performance.now();
  private shownTenth = -1;

  constructor(total: number, print: (line: string) => void) {
    this.total = total;
    this.print = print;
  }

  show(done: number, note = ''): void {
    const seconds = (performance.now() - this.startedAt) / 1000;
    const rate = seconds > 0 ? (done / seconds).toFixed(1) : '0';
    const text = `${done}/${this.total} files  ${rate} tasks/s  ${note}`.trimEnd();
    if (process.stdout.isTTY) return void process.stdout.write(`\r${bar(done / this.total)} ${text}\u001b[K`);
    const tenth = Math.floor((done * 10) / this.total);
    if (tenth === this.shownTenth) return;
    this.shownTenth = tenth;
    this.print(text);
  }

  end(): void {
    if (process.stdout.isTTY) process.stdout.write('\n');
  }

  /** A line of its own, above the bar. */
  say(line: string): void {
    this.print(process.stdout.isTTY ? `\r${line}\u001b[K` : line);
  }
}

function bar(share: number): string {
  const width = 30;
  const filled = Math.round(share * width);
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}]`;
}
