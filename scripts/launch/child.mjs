/** Running the project's own programs: with its own Node.js, passing signals on and answering their exit code. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, sep } from 'node:path';

/** A signal that comes again within this time (ms) is the same one on another way (npm passes on what it gets). */
const SAME_SIGNAL = 1000;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** The Node.js installed with the dependencies; without it (an image that brings its own) the one that runs this. */
export function projectNode(root) {
  const installed = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(installed) ? installed : process.execPath;
}

/** The environment for our programs: what they start by name (`node`, `tsc`) is the project's own. */
export function projectEnvironment(root, environment = process.env) {
  const own = join(root, 'node_modules', '.bin');
  return { ...environment, PATH: `${own}${delimiter}${pathOutside(environment.PATH ?? '', root)}` };
}

/** PATH without the folders that npm puts in front for its scripts: an installation replaces what lies there. */
export function pathOutside(path, root) {
  return path
    .split(delimiter)
    .filter((folder) => !folder.startsWith(join(root, 'node_modules') + sep))
    .join(delimiter);
}

/** The first file of this name in a PATH, or undefined. */
export function findInPath(name, path) {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/**
 * Whether a Ctrl-C in the terminal reaches our children as it reaches us: we are in the terminal's foreground group,
 * and so are they. Passing it on would then give them a second one.
 */
export function terminalSignalsOurGroup() {
  if (!process.stdin.isTTY && !process.stdout.isTTY && !process.stderr.isTTY) return false;
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync('/proc/self/stat', 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[2] === fields[5];
    }
    const [group, foreground] = execFileSync('ps', ['-o', 'pgid=,tpgid=', '-p', String(process.pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return group === foreground;
  } catch (error) {
    // Passing on once too often is harmless (the program takes it for a duplicate); not at all would not be.
    if (process.env.DEBUG) console.error(`cannot look at the terminal: ${error.message}`);
    return false;
  }
}

/** Decides for each arriving signal whether it goes to the child: `(name, now in ms) => boolean`. */
export function signalFilter(reachesChild = terminalSignalsOurGroup) {
  const last = new Map();
  return (name, now) => {
    const again = last.has(name) && now - last.get(name) < SAME_SIGNAL;
    if (!again) last.set(name, now);
    if (again) return false;
    return name === 'SIGTERM' || !reachesChild();
  };
}

/**
 * Runs a program with our input and output until it ends.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd: string, env?: Record<string, string | undefined>, onStart?: (pid: number) => void }} options
 * @returns {Promise<number>} its exit code; 128 + n when signal n ended it; 127 when it cannot be run
 */
export function runChild(file, args, { cwd, env = process.env, onStart }) {
  return new Promise((resolve) => {
    const passes = signalFilter();
    const child = spawn(file, args, { cwd, env, stdio: 'inherit' });
    if (child.pid !== undefined) onStart?.(child.pid);
    const forward = (name) => {
      if (passes(name, performance.now())) child.kill(name);
    };
    const finish = (code) => {
      for (const name of FORWARDED) process.off(name, forward);
      resolve(code);
    };
    for (const name of FORWARDED) process.on(name, forward);
    child.on('error', (error) => {
      // Also emitted when a signal could not be passed on; the program then still runs.
      if (child.pid !== undefined) return;
      console.error(`cannot run ${file}: ${error.message}`);
      finish(127);
    });
    child.on('exit', (code, signal) => finish(code ?? 128 + constants.signals[signal]));
  });
}
