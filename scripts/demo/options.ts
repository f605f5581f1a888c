import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { positive } from './command.ts';

export interface DemoOptions {
  folder: string;
  limit: number;
  concurrency: number;
  leaseSeconds: number;
  print: (line: string) => void;
}

export const USAGE = `usage: npm run demo -- [--folder FOLDER] [--limit N] [--concurrency N]
       npm run demo -- workflow [--yes] [--out FILE]

Starts a fresh plane and four agents, makes one task for every file of FOLDER (node_modules/typescript), kills one
agent and freezes another half-way, and compares every result with one computed directly. With workflow: a release pipeline that a person approves.`;

/** @throws Error for what is not understood */
export function parseDemoOptions(argv: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      folder: { type: 'string', default: join('node_modules', 'typescript') },
      limit: { type: 'string', default: '1000000' },
      concurrency: { type: 'string', default: '2' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    folder: resolve(values.folder),
    limit: positive('--limit', values.limit),
    concurrency: positive('--concurrency', values.concurrency),
    leaseSeconds: 5,
    print: (line) => console.log(line),
  };
}

/** The folder's files, all the way down, in a fixed order; links are not followed. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
