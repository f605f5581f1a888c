/** One installation or build at a time in a folder. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The file's text, or undefined when there is none. */
export function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** State letter and start of a process; undefined when it is gone. A process id alone may be another program by now. */
function lookUp(pid) {
  if (process.platform === 'linux') {
    const stat = readText(`/proc/${pid}/stat`);
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields && { state: fields[0], start: `${readText('/proc/sys/kernel/random/boot_id')?.trim()}/${fields[19]}` };
  }
  try {
    const [state, ...start] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return { state: state[0], start: start.join(' ') };
  } catch (error) {
    if (error.status === 1) return undefined;
    throw error;
  }
}

/**
 * The living process that a lock's text names, or undefined when the lock is stale. The holder comes first, then the
 * programs that it runs: npm goes on working when only its launcher was killed.
 */
export function holderOf(text) {
  const alive = text.split('\n').find((line) => {
    const [, pid, start] = /^(\d+) (.+)$/.exec(line) ?? [];
    const found = pid && lookUp(Number(pid));
    return found && found.state !== 'Z' && found.start === start;
  });
  return alive && Number.parseInt(alive, 10);
}

/** The line of a lock that names a process; an empty one when the process has just ended. */
export function lockLine(pid) {
  const found = lookUp(pid);
  return found ? `${pid} ${found.start}\n` : '';
}

/** Puts the whole file in place, or answers false when there is one. */
function create(path, text) {
  const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, text, { flag: 'wx' });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Moves a stale lock away; when another process has just put a fresh one there, that one goes back. */
function removeStale(path, stale) {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  const moved = readText(aside);
  if (moved !== undefined && moved !== stale) create(path, moved);
  rmSync(aside, { force: true });
}

/**
 * Does the work while holding the lock; waits for another living holder first.
 *
 * @param {string} path
 * @param {(note: (pid: number) => void) => Promise<number>} work `note` names a program that now works for the holder
 * @param {(pid: number) => void} onWait called once when it has to wait
 */
export async function withLock(path, work, onWait) {
  const mine = `${lockLine(process.pid)}${Math.random()}\n`;
  let told = false;
  while (!create(path, mine)) {
    const theirs = readText(path);
    if (theirs === undefined) continue;
    const holder = holderOf(theirs);
    if (holder === undefined) {
      removeStale(path, theirs);
    } else {
      if (!told) onWait(holder);
      told = true;
      await sleep(100);
    }
  }
  try {
    return await work((pid) => appendFileSync(path, lockLine(pid)));
  } finally {
    if (readText(path)?.startsWith(mine)) rmSync(path, { force: true });
  }
}
