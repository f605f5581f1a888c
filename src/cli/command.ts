/** A command of `npx wheelhouse`. */
export interface Command {
  /** The words that call it: `audit verify`. */
  readonly name: string;
  /** Its arguments and what it does, for the help. */
  readonly usage: string;
  /** @returns the exit code @throws UsageError for wrong arguments */
  run(args: readonly string[], output: Output): Promise<number>;
}

/** Where a command writes: lines for people. */
export interface Output {
  out(line: string): void;
  error(line: string): void;
}

/** Arguments that a command does not take. */
export class UsageError extends Error {}
