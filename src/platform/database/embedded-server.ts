import { spawn, type ChildProcess } from 'node:child_process';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { errorText, StartupError } from '../startup-error.js';
import { SERVER_ENVIRONMENT } from './embedded-account.js';
import { dataFiles, isThere, readIfThere, writeAtomically } from './embedded-files.js';
import type { Place } from './embedded-place.js';
import { childrenOfCluster, isPostmasterOf, signal, until } from './embedded-process.js';

/** How long recovery after a crash may take, and how long a shutdown may take before it is forced; ms. */
const READY_LIMIT = 300_000;
const STOP_LIMIT = 60_000;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

/** What the server writes about itself into postmaster.pid; the status is like "ready" or "stopping". */
export interface PidFile {
  pid: number;
  port: number;
  status: string;
}

/** Reads postmaster.pid; 'damaged' when it is there and makes no sense (a crash of the machine can leave it empty). */
export async function readPidFile(cluster: string): Promise<PidFile | 'damaged' | undefined> {
  const text = await readIfThere(join(cluster, 'postmaster.pid'));
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 1 ? { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() } : 'damaged';
}

/** What every server is started with, beside its port. These are arguments: they win over all settings files. */
function fixedArguments(place: Place): string[] {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'password_encryption=scram-sha-256',
    `cluster_name=${place.name}`,
  ];
  return ['-D', place.cluster, ...settings.flatMap((setting) => ['-c', setting])];
}

/** Whether the running server was started by these programs and with these arguments (the port aside). */
export async function startedAlike(place: Place): Promise<boolean> {
  const text = (await readIfThere(join(place.cluster, 'postmaster.opts'))) ?? '';
  const given = text.trim().replace(/ "-c" "port=\d+"$/, '');
  // The server writes down where its program really is, past symbolic links.
  return given === [await realpath(place.binaries.postgres), ...fixedArguments(place).map((argument) => `"${argument}"`)].join(' ');
}

/**
 * Starts the server in a session of its own: a Ctrl-C in the terminal must reach the program, which drains first, and
 * not the database under it.
 *
 * @returns its process id and port, when it accepts connections
 */
export async function startServer(place: Place, onLog: (line: string) => void): Promise<{ pid: number; port: number }> {
  const files = dataFiles(place.dataDir);
  let preferred = Number((await readIfThere(files.port)) ?? 0);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(preferred);
    const outcome = await startOnce(place, port, onLog);
    if (!('failure' in outcome)) {
      await writeAtomically(files.port, `${port}\n`);
      return { pid: outcome.pid, port };
    }
    const again = attempt < 5 && (await remedy(place, outcome.failure, onLog));
    if (!again) throw new StartupError(`PostgreSQL did not start: ${outcome.failure} (its log is ${files.log})`);
    preferred = 0;
  }
}

/** Removes the known obstacles of a start; answers whether it is worth another attempt. */
async function remedy(place: Place, failure: string, onLog: (line: string) => void): Promise<boolean> {
  if (/TCP\/IP sockets|bind|address already in use/i.test(failure)) return true;
  if (!/shared memory block|still in use/i.test(failure)) return false;
  onLog('ending what is left of a killed database server');
  const gone = async () => (await childrenOfCluster(place.cluster, place.name)).length === 0;
  for (const how of ['SIGTERM', 'SIGQUIT'] as const) {
    for (const pid of await childrenOfCluster(place.cluster, place.name)) signal(pid, how);
    if (await until(gone, 5_000)) return true;
  }
  return false;
}

async function startOnce(place: Place, port: number, onLog: (line: string) => void): Promise<{ pid: number } | { failure: string }> {
  const log = await openLog(dataFiles(place.dataDir).log);
  try {
    const offset = (await log.stat()).size;
    const child = spawn(place.binaries.postgres, [...fixedArguments(place), '-c', `port=${port}`], {
      ...place.account,
      cwd: '/',
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    child.unref();
    const failure = await waitUntilReady(child, place, onLog);
    if (failure === undefined && child.pid !== undefined) return { pid: child.pid };
    return { failure: (await lastComplaint(dataFiles(place.dataDir).log, offset)) ?? failure ?? 'no process' };
  } finally {
    await log.close();
  }
}

/** Resolves with undefined when the server is ready, with a reason when it ended before that. */
async function waitUntilReady(child: ChildProcess, place: Place, onLog: (line: string) => void): Promise<string | undefined> {
  let failure: string | undefined;
  child.once('error', (error) => (failure = errorText(error)));
  child.once('exit', (code, by) => (failure ??= `it ended with ${by ?? String(code)}`));
  let next = Date.now() + 5_000;
  const settled = await until(
    async () => {
      if (failure !== undefined) return true;
      if (Date.now() > next) {
        onLog('waiting for the database to recover');
        next += 10_000;
      }
      const found = await readPidFile(place.cluster);
      return typeof found === 'object' && found.pid === child.pid && found.status === 'ready';
    },
    READY_LIMIT,
    10,
  );
  return settled ? failure : `it was not ready within ${READY_LIMIT / 1000} s`;
}

/** Opens the server's log for appending. Past its limit it becomes `<name>.1`, replacing the one before. */
async function openLog(path: string) {
  if ((await isThere(path)) && (await stat(path)).size > LOG_LIMIT_BYTES) await rename(path, `${path}.1`);
  return open(path, 'a', 0o600);
}

/** The last line at level FATAL or PANIC that was logged after `offset`, without its time and process id. */
async function lastComplaint(path: string, offset: number): Promise<string | undefined> {
  const text = Buffer.from((await readIfThere(path)) ?? '')
    .subarray(offset)
    .toString('utf8');
  const lines = text.split('\n').filter((line) => / (FATAL|PANIC|ERROR): |error while loading|postgres: could not/.test(line));
  return lines.at(-1)?.replace(/^.*? (?:FATAL|PANIC|ERROR): +/, '');
}

/** The preferred port when it is free on loopback (0 means none is preferred), else one that the system picks. */
async function freePort(preferred: number): Promise<number> {
  const attempt = (port: number) =>
    new Promise<number | undefined>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(undefined));
      server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
      });
    });
  const wanted = Number.isInteger(preferred) && preferred > 0 && preferred < 65_536 ? preferred : 0;
  const port = (await attempt(wanted)) ?? (await attempt(0));
  if (port === undefined) throw new StartupError('no free port on 127.0.0.1 for PostgreSQL');
  return port;
}

/**
 * Stops whatever verified server runs on the cluster and waits until it is gone: a fast shutdown first (connections
 * are cut, everything is written), an immediate one when that takes too long (the next start then recovers).
 */
export async function stopServer(cluster: string, patience = STOP_LIMIT): Promise<void> {
  const found = await readPidFile(cluster);
  if (typeof found !== 'object' || !(await isPostmasterOf(found.pid, cluster))) return;
  const gone = async () => !(await isPostmasterOf(found.pid, cluster));
  for (const [how, limit] of [
    ['SIGINT', patience],
    ['SIGQUIT', 10_000],
  ] as const) {
    signal(found.pid, how);
    // One that was frozen must wake up to obey.
    signal(found.pid, 'SIGCONT');
    if (await until(gone, limit)) return;
  }
  throw new StartupError(`the database server (process ${found.pid}) on ${cluster} does not stop: end it by hand`);
}

/**
 * Makes a pid file that names no server of ours harmless. It is not simply removed: it also names the shared memory by
 * which PostgreSQL itself finds out whether children of a killed server still use the data. A server takes the id of
 * its own parent in that file for a left-over, so that is what it gets.
 */
export async function disarmPidFile(place: Place): Promise<void> {
  const path = join(place.cluster, 'postmaster.pid');
  const found = await readPidFile(place.cluster);
  if (found === 'damaged') {
    const children = await childrenOfCluster(place.cluster, place.name);
    if (children.length > 0)
      throw new StartupError(`${path} is damaged while process ${children.join(', ')} of that server still runs: end it by hand`);
    await rm(path, { force: true });
  } else if (found) {
    const rest = ((await readIfThere(path)) ?? '').split('\n').slice(1);
    await writeAtomically(path, [process.pid, ...rest].join('\n'), { owner: place.account });
  }
}
