import { readFileSync } from 'node:fs';

/** The agent's token: fixed, or read from a file that may get a new one while we run. */
export class Token {
  private current: string;
  private readonly file: string | undefined;

  constructor(source: { value: string } | { file: string }) {
    this.file = 'file' in source ? source.file : undefined;
    this.current = 'file' in source ? readToken(source.file) : source.value;
  }

  get value(): string {
    return this.current;
  }

  /** Whether a new token can arrive without a restart. */
  get canChange(): boolean {
    return this.file !== undefined;
  }

  /** Reads the file again. @returns whether it held another token */
  reload(): boolean {
    if (this.file === undefined) return false;
    const found = readToken(this.file);
    const changed = found !== '' && found !== this.current;
    if (changed) this.current = found;
    return changed;
  }
}

function readToken(file: string): string {
  return readFileSync(file, 'utf8').trim();
}
