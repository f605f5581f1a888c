#!/usr/bin/env node
import { keepCompiledCode } from '../platform/compile-cache.js';

keepCompiledCode();
const { runCommand } = await import('./run-command.js');
process.exitCode = await runCommand(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  error: (line) => process.stderr.write(`${line}\n`),
});
