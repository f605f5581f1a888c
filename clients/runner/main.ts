import { AgentApi, ApiError } from './api.ts';
import { runCommand } from './command.ts';
import { makeLog } from './log.ts';
import { type CliOptions, parseOptions, USAGE, UsageError } from './options.ts';
import { Runner } from './runner.ts';
import { withSecrets } from './secrets.ts';
import { Token } from './token.ts';

/** @returns the exit code: 0 when drained, 1 when it cannot work, 2 for a mistake on the command line */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  // The list of processes must not show a token that was given as an argument.
  process.title = 'wheelhouse-agent';
  const runner = makeRunner(options);
  let told = false;
  const stop = (): void => {
    if (told) runner.giveBackAll();
    else runner.drain();
    told = true;
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Who killed the process that started this one meant this one: it must not work on unseen.
  process.on('disconnect', () => runner.giveBackAll());
  process.channel?.unref();
  await runner.run();
  return 0;
}

function makeRunner(options: CliOptions): Runner {
  const token = new Token(options.token);
  const command = { command: options.command, graceMs: options.graceSeconds * 1000, maxOutputBytes: options.maxOutputBytes };
  const api = new AgentApi(options.url, token);
  return new Runner({
    api,
    token,
    handler: ({ task, lease }, signal) =>
      withSecrets(
        task.payload,
        (name) => api.secret(name, task.id, signal),
        (payload) => runCommand({ task: { ...task, payload }, lease }, command, signal),
      ),
    log: makeLog(options.logFormat),
    concurrency: options.concurrency,
    leaseSeconds: options.leaseSeconds,
    waitSeconds: options.waitSeconds,
    ...(options.boardId === undefined ? {} : { boardId: options.boardId }),
  });
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    console.error(`wheelhouse-agent: ${error.message}\nTry wheelhouse-agent --help.`);
    return 2;
  }
  if (error instanceof ApiError && error.status === 401) {
    console.error(`wheelhouse-agent: the plane does not take this token: ${error.message}`);
    return 1;
  }
  console.error(`wheelhouse-agent: ${error instanceof Error ? error.message : String(error)}`);
  return 1;
}

process.exitCode = await main().catch(explain);
