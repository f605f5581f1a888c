/** Installs and builds when needed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findInPath, pathOutside, projectEnvironment, projectNode, runChild } from './child.mjs';
import { buildHash, isBuilt, isInstalled, markBuilt, markInstalled, unmarkBuilt, unmarkInstalled } from './freshness.mjs';
import { withLock } from './lock.mjs';

const say = (line) => console.error(line);

/**
 * Makes sure that the dependencies are installed and the program is built.
 *
 * @param {string} root the project's folder
 * @returns {Promise<number>} 0, or the exit code of the step that failed
 */
export async function prepare(root) {
  if (isInstalled(root) && isBuilt(root)) return 0;
  const lock = join(root, 'dist', '.launch.lock');
  const waiting = (pid) => say(`waiting for process ${pid}, which installs or builds in this folder ...`);
  return withLock(lock, async (note) => (await install(root, note)) || (await build(root, note)), waiting);
}

async function install(root, onStart) {
  if (isInstalled(root)) return 0;
  say('installing dependencies (npm ci) ...');
  unmarkInstalled(root);
  const { file, args, env } = npmCommand(root);
  // The compiler, the tests and Node.js itself are development dependencies: NODE_ENV=production must not leave them out.
  const code = await runChild(file, [...args, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env,
    onStart,
  });
  if (code === 0) markInstalled(root);
  else say(`installing the dependencies failed (npm ci ended with ${code})`);
  return code;
}

/** npm, run by a Node.js from outside of node_modules: the one inside is replaced while npm works. */
export function npmCommand(root, environment = process.env) {
  const path = pathOutside(environment.PATH ?? '', root);
  const env = { ...environment, PATH: path };
  const inside = process.execPath.startsWith(join(root, 'node_modules'));
  const node = (inside && findInPath(process.platform === 'win32' ? 'node.exe' : 'node', path)) || process.execPath;
  const cli = environment.npm_execpath;
  if (cli && /npm-cli\.js$/.test(cli) && existsSync(cli)) return { file: node, args: [cli], env };
  return { file: process.platform === 'win32' ? 'npm.cmd' : 'npm', args: [], env };
}

async function build(root, onStart) {
  if (isBuilt(root)) return 0;
  say('building ...');
  unmarkBuilt(root);
  // Taken before the compiler reads: a file that changes meanwhile makes the next launch build again.
  const hash = buildHash(root);
  const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const code = await runChild(projectNode(root), [nest, 'build'], { cwd: root, env: projectEnvironment(root), onStart });
  if (code === 0) markBuilt(root, hash);
  else say(`the build failed (nest build ended with ${code})`);
  return code;
}
