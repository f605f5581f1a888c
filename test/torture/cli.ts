import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { plainEnvironment, projectNode } from '../../scripts/demo/plane-process.ts';

/** `npx wheelhouse …` under way. */
export interface RunningProgram {
  child: ChildProcess;
  /** @returns the exit code, null when it was killed, and all that it said */
  ended: Promise<{ code: number | null; output: string }>;
}

/** Calls the command line program as an operator would. */
export function runProgram(args: readonly string[], environment: Record<string, string> = {}): RunningProgram {
  const child = spawn(projectNode(), [join(process.cwd(), 'dist', 'cli', 'main.js'), ...args], {
    env: { ...plainEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, output })) };
}
