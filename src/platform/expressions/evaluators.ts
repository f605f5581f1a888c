import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Question } from './expression.process.js';

/** One that nobody asks for so long is ended. */
const IDLE_MS = 30_000;
/** Until a process can be asked, on a busy machine. */
const LONGEST_START_MS = 20_000;

/** Why a process gave no answer. */
export class EvaluatorEnded extends Error {
  constructor(readonly reason: 'timeout' | 'memory') {
    super(`The evaluator ended: ${reason}.`);
  }
}

interface Evaluator {
  child: ChildProcess;
  idle?: NodeJS.Timeout;
}

/**
 * Processes of which each answers one question at a time. Not threads: where one allocation goes over the limit of a thread's heap,
 * V8 ends the whole process, and who may write an expression could end the plane with `$pad("x", 400000000)`.
 */
export class Evaluators {
  private readonly all = new Set<ChildProcess>();
  private readonly free: Evaluator[] = [];
  private stopped = false;

  constructor(
    private readonly file: URL,
    private readonly heapMb: number,
  ) {}

  /**
   * Asks a process that is free, or a new one. What has to be waited for is the caller's affair.
   * @param milliseconds until it is given up, from when the process can be asked
   * @throws EvaluatorEnded
   */
  async ask(question: Question, milliseconds: number): Promise<Answer> {
    const evaluator = this.free.pop() ?? (await this.start());
    clearTimeout(evaluator.idle);
    const answer = await answerOf(evaluator.child, milliseconds, () => evaluator.child.send(question));
    evaluator.idle = setTimeout(() => this.end(evaluator), IDLE_MS).unref();
    this.free.push(evaluator);
    return answer as Answer;
  }

  /** Ends all of them, whatever they do. */
  async stop(): Promise<void> {
    this.stopped = true;
    const gone = [...this.all].map((child) => once(child, 'exit'));
    for (const child of this.all) child.kill('SIGKILL');
    await Promise.all(gone);
  }

  private async start(): Promise<Evaluator> {
    if (this.stopped) throw new Error('The evaluators of expressions have ended.');
    const child = fork(this.file, {
      env: {},
      execArgv: [`--max-old-space-size=${this.heapMb}`, '--max-semi-space-size=8', '--stack-size=1900'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
    this.all.add(child);
    child.once('exit', () => this.forget(child));
    // One that was never there has no end to be waited for; to one that cannot be talked to, there is no other use.
    child.on('error', () => {
      if (child.pid === undefined) this.forget(child);
      else child.kill('SIGKILL');
    });
    await answerOf(child, LONGEST_START_MS);
    return { child };
  }

  private end({ child }: Evaluator): void {
    this.forget(child);
    child.kill('SIGKILL');
  }

  private forget(child: ChildProcess): void {
    this.all.delete(child);
    const place = this.free.findIndex((evaluator) => evaluator.child === child);
    if (place >= 0) clearTimeout(this.free.splice(place, 1)[0]?.idle);
  }
}

/**
 * The next message of a process, which is ended when it does not come in time.
 * @throws EvaluatorEnded, or why there is no process to talk to
 */
async function answerOf(child: ChildProcess, milliseconds: number, ask: () => void = () => undefined): Promise<unknown> {
  const over = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, milliseconds);
  try {
    const ended = once(child, 'exit', over).then(([code, signal]) => {
      throw signal === null ? new Error(`An evaluator of expressions ended with code ${String(code)}.`) : new EvaluatorEnded(late ? 'timeout' : 'memory');
    });
    const answered = once(child, 'message', over);
    ask();
    const [answer] = (await Promise.race([answered, ended])) as unknown[];
    return answer;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}
