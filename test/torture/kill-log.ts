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

  /** Where processes can end themselves; none when not one of them has said so. */
  get points(): string[] {
    const file = `${this.file}.points`;
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : [];
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
