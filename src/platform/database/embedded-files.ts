import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode, StartupError } from '../startup-error.js';

/** Numeric ids of the account that owns files or runs the server. */
export interface Account {
  uid: number;
  gid: number;
}

/** The files that the embedded database keeps directly in the data folder. */
export interface DataFiles {
  password: string;
  log: string;
  port: string;
  lock: string;
  location: string;
}

/** Paths of the files above for one data folder. */
export function dataFiles(dataDir: string): DataFiles {
  const file = (name: string) => join(dataDir, `postgres.${name}`);
  return { password: file('password'), log: file('log'), port: file('port'), lock: file('lock'), location: file('location') };
}

/** The text of a file, or undefined when there is none. Other errors pass. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether something is at this path. Errors other than "nothing there" pass. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/**
 * Replaces a file in one step, flushed to disk. The name is never followed when it is a link: some of these files lie
 * in a folder that a less privileged account owns.
 */
export async function writeAtomically(
  path: string,
  content: string,
  options: { mode?: number; owner?: Account | undefined } = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const handle = await open(temporary, 'wx', options.mode ?? 0o600);
  try {
    await handle.chmod(options.mode ?? 0o600);
    if (options.owner) await handle.chown(options.owner.uid, options.owner.gid);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

/**
 * Makes the data folder when it is missing, and closes it to other accounts (mode 0700) when it is new, empty or was
 * already used by us; a folder that holds other things keeps its mode.
 *
 * @returns its absolute path without links
 * @throws StartupError when it cannot be made or written to
 */
export async function prepareDataDir(path: string): Promise<string> {
  const wanted = resolve(path);
  try {
    await mkdir(dirname(wanted), { recursive: true });
    await makeFolder(wanted);
    const dataDir = await realpath(wanted);
    await probeWriting(dataDir);
    const entries = await readdir(dataDir);
    if (entries.length === 0 || entries.includes('postgres.password')) await closeToOthers(dataDir);
    return dataDir;
  } catch (error) {
    throw unwritable(wanted, error);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  }
}

/** Shuts other accounts out. For root, the right to pass through (0711) stays: a running server may depend on it. */
async function closeToOthers(dataDir: string): Promise<void> {
  const { mode } = await stat(dataDir);
  const allowed = process.getuid?.() === 0 ? 0o7711 : 0o7700;
  if ((mode & 0o7777 & ~allowed) !== 0) await chmod(dataDir, mode & allowed);
}

/**
 * Lets other accounts pass through the folder, not list or read it.
 *
 * @returns a function that takes this back, if it was given now
 */
export async function allowTraversal(dataDir: string): Promise<() => Promise<void>> {
  const mode = (await stat(dataDir)).mode & 0o7777;
  if ((mode & 0o011) === 0o011) return () => Promise.resolve();
  await chmod(dataDir, mode | 0o011);
  return () => chmod(dataDir, mode);
}

async function probeWriting(dataDir: string): Promise<void> {
  const probe = join(dataDir, `.probe-${randomBytes(6).toString('hex')}`);
  await (await open(probe, 'wx', 0o600)).close();
  await rm(probe);
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'read-only file system',
  ENOSPC: 'no space left',
  EDQUOT: 'disk quota reached',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
};

/** The error to show when the data folder, or something in it, could not be written. */
export function unwritable(path: string, error: unknown): StartupError {
  if (error instanceof StartupError) return error;
  const code = errorCode(error) ?? 'unknown error';
  return new StartupError(`data folder ${path} is not writable: ${REASONS[code] ?? code}`, { cause: error });
}

/** Removes what an interrupted first start left beside the cluster. */
export async function sweepLeftovers(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (/^postgres\.(new|init)-[0-9a-f]+$/.test(name)) await rm(join(home, name), { recursive: true, force: true });
  }
}

/** Flushes the folder that holds this path, after a rename in it. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(dirname(path), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
