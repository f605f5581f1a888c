#!/usr/bin/env node
/**
 * What `npm start` and `npm test` call: installs and builds first when that is missing or stale, then runs the program
 * with the Node.js that the project brings along.
 *
 *   node scripts/launch.mjs start | test [arguments] | build | run <file> [arguments]
 *
 * Needs nothing but some Node.js (20 or newer) and npm: node_modules may be missing.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const USAGE = 'usage: node scripts/launch.mjs start | test [arguments] | build | run <file> [arguments]';

/** The file to run and its arguments for a command; null for none; undefined when the command is not known. */
function target(root, [command, ...rest]) {
  if (command === 'start') return [join(root, 'dist', 'main.js'), ...rest];
  if (command === 'test') return [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), ...rest];
  if (command === 'build') return null;
  if (command === 'run' && rest.length > 0) return rest;
  return undefined;
}

async function main() {
  if (Number.parseInt(process.versions.node, 10) < 20) {
    console.error(`Node.js 20 or newer is needed to start, this is ${process.versions.node}`);
    return 1;
  }
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const what = target(root, process.argv.slice(2));
  if (what === undefined) {
    console.error(USAGE);
    return 2;
  }
  // Imported late, so that a Node.js too old for these files still gets the message above.
  const { prepare } = await import('./launch/prepare.mjs');
  const { projectEnvironment, projectNode, runChild } = await import('./launch/child.mjs');
  const failed = await prepare(root);
  if (failed !== 0 || what === null) return failed;
  return runChild(projectNode(root), what, { cwd: root, env: projectEnvironment(root) });
}

process.exitCode = await main();
