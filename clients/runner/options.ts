import { parseArgs } from 'node:util';

export interface CliOptions {
  url: string;
  token: { value: string } | { file: string };
  command: string;
  concurrency: number;
  leaseSeconds: number;
  waitSeconds: number;
  graceSeconds: number;
  maxOutputBytes: number;
  boardId?: string;
  logFormat: 'text' | 'json';
}

export const USAGE = `usage: wheelhouse-agent --url URL --exec COMMAND [options]

Takes tasks from a Wheelhouse and runs COMMAND (a shell command line) for each: the task is JSON on its standard input,
what it prints is the result, an exit code other than 0 is a failure with the end of its standard error.

  --url URL            address of the plane, like http://127.0.0.1:3000
  --token TOKEN        the agent's token; better: --token-file FILE, or WHEELHOUSE_AGENT_TOKEN in the environment
  --token-file FILE    read again when the token is rotated
  --exec COMMAND       what to run for each task
  --concurrency N      tasks at a time, 1-100 (1)
  --lease SECONDS      length of a lease, 5-3600 (60); it is renewed at a third
  --wait SECONDS       longest wait for a task in one request, 0-30 (20)
  --grace SECONDS      between SIGTERM and SIGKILL for a command that must stop, 0-3600 (10)
  --max-output BYTES   longest result, 1-900000 (900000)
  --board ID           only tasks of this board
  --log text|json      form of the log lines on standard error (text)

SIGTERM or Ctrl-C: finishes what runs, takes nothing more. A second one: stops what runs and gives it back.`;

const OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  'token-file': { type: 'string' },
  exec: { type: 'string' },
  concurrency: { type: 'string', default: '1' },
  lease: { type: 'string', default: '60' },
  wait: { type: 'string', default: '20' },
  grace: { type: 'string', default: '10' },
  'max-output': { type: 'string', default: '900000' },
  board: { type: 'string' },
  log: { type: 'string', default: 'text' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** A mistake on the command line, in one line. */
export class UsageError extends Error {}

/**
 * Reads the command line and the environment.
 * @returns 'help' when that was asked for
 * @throws UsageError for anything that is missing, unknown or out of range
 */
export function parseOptions(argv: readonly string[], environment: Record<string, string | undefined>): CliOptions | 'help' {
  const values = parse(argv);
  if (values.help) return 'help';
  const log = values.log;
  if (log !== 'text' && log !== 'json') throw new UsageError('--log is text or json');
  return {
    url: address(required('--url', values.url)),
    token: tokenSource(values.token, values['token-file'], environment['WHEELHOUSE_AGENT_TOKEN']),
    command: required('--exec', values.exec),
    concurrency: whole('--concurrency', values.concurrency, 1, 100),
    leaseSeconds: whole('--lease', values.lease, 5, 3600),
    waitSeconds: whole('--wait', values.wait, 0, 30),
    graceSeconds: whole('--grace', values.grace, 0, 3600),
    maxOutputBytes: whole('--max-output', values['max-output'], 1, 900_000),
    ...(values.board === undefined ? {} : { boardId: values.board }),
    logFormat: log,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value.trim() === '') throw new UsageError(`${name} is missing`);
  return value;
}

function address(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new UsageError('--url must be an http or https address');
  return url.href;
}

function tokenSource(
  value: string | undefined,
  file: string | undefined,
  fromEnvironment: string | undefined,
): { value: string } | { file: string } {
  if (value !== undefined && file !== undefined) throw new UsageError('--token and --token-file: give one of them');
  if (file !== undefined) return { file };
  const token = (value ?? fromEnvironment ?? '').trim();
  if (token === '') throw new UsageError('no token: give --token-file, --token or WHEELHOUSE_AGENT_TOKEN');
  return { value: token };
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) throw new UsageError(`${name} is a whole number from ${least} to ${most}`);
  return value;
}
