import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest package.json of this project at or above a folder; undefined when there is none. */
function manifestAbove(folder: string): { name?: string; version?: string } | undefined {
  const file = join(folder, 'package.json');
  const manifest = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }) : undefined;
  if (manifest?.name === 'wheelhouse') return manifest;
  return dirname(folder) === folder ? undefined : manifestAbove(dirname(folder));
}

/** The version of the software, as package.json has it: found from the program that runs, wherever it was started. */
export const VERSION = (manifestAbove(dirname(process.argv[1] ?? '.')) ?? manifestAbove(process.cwd()))?.version ?? 'unknown';
