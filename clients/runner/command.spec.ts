import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, Stop } from './command.ts';
import { sleep } from './sleep.ts';

const claimed = { task: { id: 'task-1', title: 'Count', payload: { n: 3 } }, lease: { fence: 7, expires_at: '' } };
const run = (command: string, signal = new AbortController().signal, more = {}) =>
  runCommand(claimed, { command, graceMs: 5_000, maxOutputBytes: 1_000, ...more }, signal);

/** Waits until the condition holds, for at most 5 s. */
async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries++) await sleep(10);
  expect(condition()).toBe(true);
}

const isAlive = (pid: number): boolean => {
  try {
    // A zombie that nobody has waited for yet is as dead as can be.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

describe('runCommand', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runner-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim();
    } catch {
      return '';
    }
  };

  it('gives the task on stdin and takes stdout as the result', async () => {
    expect(await run('cat')).toEqual({ kind: 'completed', result: claimed.task });
    expect(await run('echo done')).toEqual({ kind: 'completed', result: { stdout: 'done\n' } });
  });

  it('names the task in the environment, and keeps our token out of it', async () => {
    process.env['WHEELHOUSE_AGENT_TOKEN'] = 'canary';
    const outcome = await run('echo "$WHEELHOUSE_TASK_ID $WHEELHOUSE_FENCE [$WHEELHOUSE_AGENT_TOKEN]"');
    delete process.env['WHEELHOUSE_AGENT_TOKEN'];
    expect(outcome).toEqual({ kind: 'completed', result: { stdout: 'task-1 7 []\n' } });
  });

  it('makes a failure of a non-zero exit, with the end of stderr', async () => {
    expect(await run('echo bad luck >&2; exit 3')).toEqual({ kind: 'failed', error: 'exit code 3: bad luck', retryable: true });
    expect(await run('kill -9 $$')).toEqual({ kind: 'failed', error: 'ended by SIGKILL', retryable: true });
    expect(await run('/no/such/program')).toMatchObject({ kind: 'failed', error: expect.stringContaining('exit code 127') as string });
  });

  it('does not mind a command that reads nothing', async () => {
    const big = { ...claimed, task: { ...claimed.task, payload: 'x'.repeat(1_000_000) } };
    const outcome = await runCommand(
      big,
      { command: 'exec <&-; echo 1', graceMs: 100, maxOutputBytes: 1_000 },
      new AbortController().signal,
    );
    expect(outcome).toEqual({ kind: 'completed', result: 1 });
  });

  it('ends a command that prints too much, for good', async () => {
    expect(await run('yes')).toEqual({ kind: 'failed', error: 'the command printed more than 1000 bytes', retryable: false });
  });

  it('stops the whole group: SIGTERM first, SIGKILL after the grace', async () => {
    const controller = new AbortController();
    const outcome = run(
      `trap '' TERM; sh -c "trap '' TERM; echo \\$\\$ > ${folder}/inner; sleep 60 & wait; sleep 60"; sleep 60`,
      controller.signal,
      { graceMs: 100 },
    );
    await until(() => read('inner') !== '');
    controller.abort(new Stop('lease_lost'));
    expect(await outcome).toEqual({ kind: 'failed', error: 'stopped: lease_lost', retryable: true });
    await until(() => !isAlive(Number(read('inner'))));
  });

  it('lets a command tidy up on SIGTERM, but not when it must end now', async () => {
    const command = `trap "echo tidied > ${folder}/end; exit" TERM; echo $$ > ${folder}/ready; while :; do sleep 0.05; done`;
    const gentle = new AbortController();
    const first = run(command, gentle.signal);
    await until(() => read('ready') !== '');
    gentle.abort(new Stop('lease_lost'));
    await first;
    expect(read('end')).toBe('tidied');
    rmSync(join(folder, 'end'));
    rmSync(join(folder, 'ready'));
    const hard = new AbortController();
    const second = run(command, hard.signal);
    await until(() => read('ready') !== '');
    hard.abort(new Stop('killed', true));
    await second;
    expect(read('end')).toBe('');
  });

  it('does not wait for what a command leaves running, and ends it', async () => {
    const outcome = await run(`sleep 60 & echo $! > ${folder}/left; echo 5`);
    expect(outcome).toEqual({ kind: 'completed', result: 5 });
    await until(() => !isAlive(Number(read('left'))));
  });
});
