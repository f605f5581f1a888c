import { type ChildProcess, spawn } from 'node:child_process';
import { errorOf, type Outcome, resultOf } from './outcome.ts';

/** What a command is told: the task, and the fence of its lease. */
export interface CommandInput {
  task: { id: string; payload?: unknown };
  lease: { fence: number };
}

export interface CommandOptions {
  /** A shell command line. */
  command: string;
  /** Time between SIGTERM and SIGKILL; ms. */
  graceMs: number;
  /** Most bytes of stdout that make a result. */
  maxOutputBytes: number;
}

/** Why a command is stopped: `now` leaves it no time to tidy up. */
export class Stop extends Error {
  readonly now: boolean;

  constructor(why: string, now = false) {
    super(why);
    this.name = 'Stop';
    this.now = now;
  }
}

const STDERR_TAIL_BYTES = 8_192;
/** How long to wait for output that a grandchild may still hold open after the command has ended; ms. */
const DRAIN_MS = 1_000;

/**
 * Runs the command for one task: the task as JSON on stdin, stdout is the result, a non-zero exit a failure with the
 * tail of stderr. Aborting the signal ends the whole process group. Never rejects.
 */
export async function runCommand(claimed: CommandInput, options: CommandOptions, signal: AbortSignal): Promise<Outcome> {
  const child = spawn(options.command, {
    shell: true,
    // A group of its own: what the command starts is stopped with it, and a Ctrl-C in our terminal does not reach it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(claimed),
  });
  const out = new Output(options.maxOutputBytes);
  const tail = new Tail(STDERR_TAIL_BYTES);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!out.add(chunk)) killGroup(child, 'SIGKILL');
  });
  child.stderr.on('data', (chunk: Buffer) => tail.add(chunk));
  // A command that does not read its input closes the pipe; that is its right.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(claimed.task));
  const ending = await ended(child, signal, options.graceMs);
  if (signal.aborted) return { kind: 'failed', error: `stopped: ${(signal.reason as Error).message}`, retryable: true };
  if (out.isTooLarge) return { kind: 'failed', error: `the command printed more than ${options.maxOutputBytes} bytes`, retryable: false };
  if (ending !== undefined) return { kind: 'failed', error: errorOf(ending, tail.text()), retryable: true };
  return { kind: 'completed', result: resultOf(out.text()) };
}

/** Our own environment without our token, and which task this is. */
function environment({ task, lease }: CommandInput): NodeJS.ProcessEnv {
  const { WHEELHOUSE_AGENT_TOKEN: _token, ...rest } = process.env;
  return { ...rest, WHEELHOUSE_TASK_ID: task.id, WHEELHOUSE_FENCE: String(lease.fence) };
}

/** Resolves when the command is gone: with undefined when it ended well, else with how it ended. */
function ended(child: ChildProcess, signal: AbortSignal, graceMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      const now = signal.reason instanceof Stop && signal.reason.now;
      killGroup(child, now ? 'SIGKILL' : 'SIGTERM');
      if (!now) timer = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs);
    };
    const finish = (ending: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      // What the command left running in its group would work on without a lease.
      killGroup(child, 'SIGKILL');
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(ending);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    child.once('error', (error) => finish(`cannot be run: ${error.message}`));
    child.once('exit', (code, by) => {
      const ending = code === 0 ? undefined : by ? `ended by ${by}` : `exit code ${String(code)}`;
      const late = setTimeout(() => finish(ending), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(late);
        finish(ending);
      });
    });
  });
}

function killGroup(child: ChildProcess, how: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, how);
  } catch (error) {
    // The group is gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Output up to a limit. */
class Output {
  private readonly chunks: Buffer[] = [];
  private readonly limit: number;
  private size = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** @returns whether it is still within the limit */
  add(chunk: Buffer): boolean {
    this.size += chunk.length;
    if (!this.isTooLarge) this.chunks.push(chunk);
    return !this.isTooLarge;
  }

  get isTooLarge(): boolean {
    return this.size > this.limit;
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}

/** The last bytes of a stream. */
class Tail {
  private kept = Buffer.alloc(0);
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(chunk: Buffer): void {
    this.kept = Buffer.concat([this.kept, chunk]).subarray(-this.limit);
  }

  text(): string {
    return this.kept.toString('utf8');
  }
}
