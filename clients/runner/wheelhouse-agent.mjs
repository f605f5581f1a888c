#!/usr/bin/env node
/**
 * The command `wheelhouse-agent`. The program is TypeScript that Node.js 22.18 or newer runs as it is; an older one
 * hands over to the Node.js that the project brings along.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const program = new URL('./main.ts', import.meta.url);

if (process.features.typescript) {
  await import(program.href);
} else {
  const node = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(node)) {
    console.error(`wheelhouse-agent needs Node.js 22.18 or newer (this is ${process.versions.node}), or an "npm ci" in its project first`);
    process.exit(1);
  }
  // The channel carries nothing: that it closes tells the program that this process is gone, however it ended.
  const child = spawn(node, [fileURLToPath(program), ...process.argv.slice(2)], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  // From a terminal both get the same Ctrl-C; then only what was sent to this process alone is passed on.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`cannot run ${node}: ${error.message}`);
    process.exitCode = 127;
  });
  child.on('exit', (code, signal) => (process.exitCode = code ?? 128 + constants.signals[signal]));
}
