import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../startup-error.js';

const run = promisify(execFile);
const onLinux = process.platform === 'linux';

/** Errors of looking at a process that is gone, or that this account may not look at. */
const GONE = new Set(['ENOENT', 'ESRCH']);
const HIDDEN = new Set(['EACCES', 'EPERM']);

/** Output of `ps` for one process, empty when there is no such process. For systems without /proc. */
async function ps(pid: number, column: string): Promise<string> {
  try {
    return (await run('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)])).stdout.trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return '';
    throw error;
  }
}

async function proc(pid: number, name: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (GONE.has(code) || HIDDEN.has(code)) return undefined;
    throw error;
  }
}

/** State letter and start time (clock ticks after boot) from /proc/<pid>/stat; the name in it may hold spaces. */
async function linuxStat(pid: number): Promise<{ state: string; start: string } | undefined> {
  const text = await proc(pid, 'stat');
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields ? { state: fields[0] ?? '', start: fields[19] ?? '' } : undefined;
}

/** Whether the process runs. One that has ended and only waits to be collected by its parent does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    if (errorCode(error) !== 'EPERM') throw error;
  }
  const state = onLinux ? (await linuxStat(pid))?.state : (await ps(pid, 'state'))[0];
  return state !== 'Z' && state !== 'X';
}

/** Something that differs between two processes that had the same id one after the other, also across a reboot. */
export async function startToken(pid: number): Promise<string> {
  if (!onLinux) return ps(pid, 'lstart');
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return `${boot.trim()}/${(await linuxStat(pid))?.start ?? ''}`;
}

async function commandLine(pid: number): Promise<string> {
  if (!onLinux) return ps(pid, 'command');
  return ((await proc(pid, 'cmdline')) ?? '').replaceAll('\0', ' ');
}

/** The target of a link in /proc; 'hidden' where this account may not see it, undefined when the process is gone. */
async function link(pid: number, name: string): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${pid}/${name}`);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (GONE.has(code)) return undefined;
    if (HIDDEN.has(code)) return 'hidden';
    throw error;
  }
}

/**
 * Whether this process is the main process of a PostgreSQL server that runs on exactly this cluster folder. Nothing is
 * ever signalled without this answer: a process id in a file may long belong to another program.
 */
export async function isPostmasterOf(pid: number, cluster: string): Promise<boolean> {
  if (!(await isAlive(pid))) return false;
  const command = await commandLine(pid);
  // A server's children call themselves "postgres: …"; the main process keeps the command it was started with.
  if (!/^(\S.*\/)?postgres( |$)/.test(command)) return false;
  const folder = onLinux ? await link(pid, 'cwd') : 'hidden';
  return folder === 'hidden' ? `${command} `.includes(` -D ${cluster} `) : folder === cluster;
}

/** Whether the program file of a running process was replaced or removed since it started. */
export async function programWasReplaced(pid: number): Promise<boolean> {
  return onLinux && ((await link(pid, 'exe')) ?? '').endsWith(' (deleted)');
}

/** Children of a server of this cluster; meaningful when its main process is gone. `name` is its cluster_name. */
export async function childrenOfCluster(cluster: string, name: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await allProcesses()) {
    const command = await commandLine(pid);
    if (!command.startsWith('postgres: ') && !command.startsWith('postgres:')) continue;
    const folder = onLinux ? await link(pid, 'cwd') : 'hidden';
    if (folder === cluster || (folder === 'hidden' && command.startsWith(`postgres: ${name}: `))) found.push(pid);
  }
  return found;
}

async function allProcesses(): Promise<number[]> {
  const names = onLinux ? await readdir('/proc') : (await run('ps', ['-axo', 'pid='])).stdout.split('\n');
  return names.map((name) => Number(name.trim())).filter((pid) => Number.isInteger(pid) && pid > 1);
}

/** Sends a signal; a process that has just ended is not an error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** Asks again and again, every `pause` ms, until the answer is true (true) or `limit` ms have passed (false). */
export async function until(answer: () => Promise<boolean>, limit: number, pause = 20): Promise<boolean> {
  const end = Date.now() + limit;
  while (!(await answer())) {
    if (Date.now() >= end) return false;
    await sleep(pause);
  }
  return true;
}
