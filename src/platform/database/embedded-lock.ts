import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { errorCode, StartupError } from '../startup-error.js';
import { readIfThere } from './embedded-files.js';
import { isAlive, startToken } from './embedded-process.js';

/** A held lock; `release` may be called more than once. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a data folder. The file names its holder by process id and start time, so that a holder which was
 * killed, or whose id now belongs to another program, does not keep anyone out.
 *
 * @throws StartupError when a living process holds it
 */
export async function lockFolder(path: string, dataDir: string): Promise<FolderLock> {
  // The random part makes every attempt's text its own, also for two attempts inside one process.
  const mine = JSON.stringify({ pid: process.pid, started: await startToken(process.pid), attempt: randomBytes(8).toString('hex') });
  for (let attempt = 0; attempt < 20; attempt++) {
    if (await create(path, mine)) return { release: () => release(path, mine) };
    const theirs = await readIfThere(path);
    if (theirs === undefined) continue;
    const holder = await livingHolder(theirs);
    if (holder !== undefined) throw new StartupError(`data folder ${dataDir} is in use by process ${holder}`);
    await removeStale(path, theirs);
  }
  throw new StartupError(`data folder ${dataDir} is in use: its lock ${path} changes hands all the time`);
}

/** Puts the complete file in place or fails: nobody ever reads half of it. */
async function create(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, content, { mode: 0o600, flag: 'wx' });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function livingHolder(content: string): Promise<number | undefined> {
  const holder = parse(content);
  if (!holder || !(await isAlive(holder.pid))) return undefined;
  return (await startToken(holder.pid)) === holder.started ? holder.pid : undefined;
}

function parse(content: string): { pid: number; started: string } | undefined {
  const match = /^\{"pid":(\d+),"started":"([^"]*)"/.exec(content);
  return match ? { pid: Number(match[1]), started: match[2] ?? '' } : undefined;
}

/**
 * Moves the stale file aside and looks at what was really moved: between reading and moving, another process may have
 * replaced it by its own fresh lock, which then goes back.
 */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  const moved = await readFile(aside, 'utf8');
  if (moved !== stale) await create(path, moved);
  await rm(aside, { force: true });
}

async function release(path: string, mine: string): Promise<void> {
  if ((await readIfThere(path)) === mine) await rm(path, { force: true });
}
