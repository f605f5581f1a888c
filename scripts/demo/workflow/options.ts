import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface ReleaseOptions {
  /** Approves without asking. */
  yes: boolean;
  /** Where the drawing of the run is written to. */
  out: string;
  print: (line: string) => void;
}

export const USAGE = `usage: npm run demo -- workflow [--yes] [--out FILE]

Starts a database, two processes of a fresh plane, three agents and a receiver of webhooks, and releases this repository:
the agents lint, count and test files of it side by side, one of the two processes is killed meanwhile, you approve
(--yes: without asking), and a signed webhook says so. The drawing of the run is written to FILE
(wheelhouse-release.svg in the folder for temporary files).`;

/** @throws Error for what is not understood, and where nobody could be asked */
export function parseReleaseOptions(argv: readonly string[], isTerminal: boolean): ReleaseOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      yes: { type: 'boolean', short: 'y', default: false },
      out: { type: 'string', default: join(tmpdir(), 'wheelhouse-release.svg') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (!values.yes && !isTerminal) throw new Error('there is no terminal to ask at: --yes approves without asking');
  return { yes: values.yes, out: resolve(values.out), print: (line) => console.log(line) };
}
