import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, StartupError } from '../startup-error.js';
import { masterKeyBytes, masterKeyTexts, newMasterKey } from './master-key.js';

/** Where the master key lies that the plane made for itself: beside the database's folder, not in it. */
export const masterKeyFileIn = (dataFolder: string): string => join(dataFolder, 'master-key');

/** What other accounts may not do with a file that the plane made for itself; and with one that it was given. */
const FORBIDDEN = { own: 0o077, given: 0o002 };

/**
 * The keys in a file, the current one first. Who may read a file that was given is for the operator to say: secrets are mounted
 * into containers readable for all, below a folder that is not.
 * @throws StartupError when it cannot be read, holds something else, or is open to other accounts
 */
export function readMasterKeys(path: string, whose: keyof typeof FORBIDDEN): string[] {
  const text = read(path);
  if (process.platform !== 'win32' && (statSync(path).mode & FORBIDDEN[whose]) !== 0)
    throw new StartupError(`the master key in ${path} is ${whose === 'own' ? 'open to other accounts of this machine: chmod 600' : 'writable for every account of this machine: chmod o-w'} ${path}`);
  const texts = masterKeyTexts(text);
  if (texts.length === 0 || !texts.every((text) => masterKeyBytes(text))) throw new StartupError(`the master key in ${path} is damaged: put it back from a backup`);
  return texts;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StartupError(`the master key in ${path} cannot be read (${errorCode(cause) ?? 'unknown error'})`, { cause });
  }
}

/**
 * Makes a key where there is none. Several processes may start at once: the first link decides for all.
 * @returns whether this call made it
 */
export function makeMasterKeyFile(path: string): boolean {
  if (existsSync(path)) return false;
  const own = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(own, fileOf([newMasterKey()]), { mode: 0o600, flag: 'wx', flush: true });
    linkSync(own, path);
    flushFolder(dirname(path));
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw new StartupError(`the master key cannot be kept in ${dirname(path)} (${errorCode(cause) ?? 'unknown error'}): make the folder writable, or set MASTER_KEY_FILE`, { cause });
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Puts keys in the place of those in a file, in one step, flushed to disk. Who could read it still can, and nobody else: the
 * command may be called by root, the planes run under another account.
 */
export function replaceMasterKeys(given: string, texts: readonly string[]): void {
  const path = realpathSync(given);
  const { mode, uid, gid } = statSync(path);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(temporary, fileOf(texts), { mode: 0o600, flag: 'wx', flush: true });
    const made = statSync(temporary);
    if (made.uid !== uid || made.gid !== gid) chownSync(temporary, uid, gid);
    chmodSync(temporary, 0o600 | (mode & 0o044));
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  flushFolder(dirname(path));
}

/** Without it a name may be gone after a crash of the machine, though what stands behind it was written. */
function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

const fileOf = (texts: readonly string[]): string =>
  ['# The master key of Wheelhouse. Keep a copy of it apart from the database: without it no secret can be read.', ...texts, ''].join('\n');
