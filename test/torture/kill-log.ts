import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** What processes that ended themselves in the midst of a transition wrote down before. */
export class KillLog {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  /** From now on nobody ends by itself. */
  close(): void {
    writeFileSync(`${this.file}.over`, '');
  }

  hasEnded(pid: number | undefined): boolean {
    return this.ends().some((end) => end.pid === pid);
  }

  /** How many ended at each point. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...Map.groupBy(this.ends(), ({ name }) => name)].map(([name, list]) => [name, list.length]));
  }

  /** Points at which nobody has ended. */
  get missed(): string[] {
    const points = existsSync(`${this.file}.points`) ? (JSON.parse(readFileSync(`${this.file}.points`, 'utf8')) as string[]) : ['any of them'];
    return points.filter((name) => this.counts[name] === undefined);
  }

  /** When they ended; ms of the wall clock. */
  get times(): number[] {
    return this.ends().map(({ at }) => at);
  }

  private ends(): { pid: number; name: string; at: number }[] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { pid: number; name: string; at: number });
  }
}
