import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SERVER_FILE_VARIABLE } from './databases.js';
import { eventually } from './eventually.js';
import { type Launcher, Program } from './processes.js';

const MADE_WITHIN_MS = 90_000;

/**
 * A copy of a data folder that a plane has used and left in order, with its embedded database and every migration. Making
 * one takes seconds, a copy a fraction of one; so it is made once per run, by the worker that asks first.
 * @returns the folder, as WHEELHOUSE_DATA; it goes with the launcher's
 */
export async function usedDataFolder(launcher: Launcher): Promise<string> {
  const target = await launcher.dataFolder();
  const base = join(dirname(process.env[SERVER_FILE_VARIABLE] ?? ''), 'used-data');
  const ready = join(base, 'ready');
  if (await isFirst(base)) await make(base, ready);
  await eventually(() => existsSync(ready), MADE_WITHIN_MS);
  // cp keeps owners and modes, which fs.cp does not.
  await promisify(execFile)('cp', ['-a', ready, target]);
  return target;
}

async function isFirst(base: string): Promise<boolean> {
  try {
    await mkdir(base);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false;
    throw error;
  }
}

async function make(base: string, ready: string): Promise<void> {
  // The account that PostgreSQL runs as has to pass through both.
  await chmod(dirname(base), 0o711);
  await chmod(base, 0o711);
  const data = join(base, 'data');
  const program = await new Program({ WHEELHOUSE_DATA: data }).ready();
  program.signal('SIGTERM');
  const { code } = await program.end();
  if (code !== 0) throw new Error(`The plane whose data folder is copied ended with ${code}: ${program.stderr}`);
  await rename(data, ready);
}
