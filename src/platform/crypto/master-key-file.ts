import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, StartupError } from '../startup-error.js';
import { masterKeyBytes, masterKeyTexts, newMasterKey } from './master-key.js';

/** Where the master key lies that the plane made for itself: beside the database's folder, not in it. */
export const masterKeyFileIn = (dataFolder: string): string => join(dataFolder, 'master-key');

/**
 * The keys in a file, the current one first.
 * @throws StartupError when it cannot be read, or holds something else
 */
export function readMasterKeys(path: string): string[] {
  const texts = masterKeyTexts(read(path));
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
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw new StartupError(`the master key cannot be kept in ${dirname(path)} (${errorCode(cause) ?? 'unknown error'}): make the folder writable, or set MASTER_KEY_FILE`, { cause });
  } finally {
    rmSync(own, { force: true });
  }
}

/** Puts keys in the place of those in a file, in one step, flushed to disk. Only its owner may read it. */
export function replaceMasterKeys(path: string, texts: readonly string[]): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(temporary, fileOf(texts), { mode: 0o600, flag: 'wx', flush: true });
    chmodSync(temporary, 0o600);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

const fileOf = (texts: readonly string[]): string =>
  ['# The master key of Wheelhouse. Keep a copy of it apart from the database: without it no secret can be read.', ...texts, ''].join('\n');
