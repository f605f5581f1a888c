/**
 * Runs a command of this repository: what cannot be understood is told in one line, a question for help answered.
 * @param parse throws an Error for arguments that it does not understand
 * @returns the exit code: that of `run`, 0 after help, 2 for bad arguments
 */
export async function runCommand<T extends object>(parse: () => T | 'help', usage: string, run: (options: T) => Promise<number>): Promise<number> {
  let options: T | 'help';
  try {
    options = parse();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (options !== 'help') return run(options);
  console.log(usage);
  return 0;
}

/** @throws Error unless `text` is a whole number from 1 */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} is a whole number from 1`);
  return value;
}
