import { createInterface } from 'node:readline/promises';
import { runCommand } from '../command.ts';
import { parseReleaseOptions, type ReleaseOptions, USAGE } from './options.ts';
import { type Question, type ReleaseReport, runRelease } from './run.ts';

/** As after a Ctrl-C. */
const STOPPED = 130;

/** @returns the exit code: 0 when all went as it has to, whatever the person said */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(() => parseReleaseOptions(argv, process.stdin.isTTY), USAGE, perform);
}

async function perform(options: ReleaseOptions): Promise<number> {
  const abort = new AbortController();
  const stop = (): void => abort.abort(new Error('stopped'));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, stop);
  try {
    return show(await runRelease(options, options.yes ? sayYes(options) : (text) => askAtTerminal(text, abort.signal), abort.signal));
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    console.error('Stopped; nothing of it is left.');
    return STOPPED;
  }
}

function show({ run, approved, mistakes }: ReleaseReport): number {
  for (const mistake of mistakes) console.log(`WRONG: ${mistake}`);
  if (mistakes.length > 0) return 1;
  const { lint, count, test } = run.output?.checks ?? {};
  console.log(`\n${count?.['files']} files with ${count?.['lines']} lines, ${test?.['passed']} tests passed, ${lint?.['errors']} errors of the linter.`);
  console.log(`The release ${approved ? 'went out' : 'was rejected and did not go out'}: each check was done once, another person decided, and a webhook with a signature that fits told that the run had ended.`);
  return 0;
}

const sayYes = ({ print }: ReleaseOptions): Question => (text) => {
  print(`${text} Yes (--yes).`);
  return Promise.resolve(true);
};

async function askAtTerminal(text: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${text} [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}
