import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { plainEnvironment, projectNode } from './plane-process.ts';

export interface AgentProcessOptions {
  id: string;
  name: string;
  token: string;
  url: string;
  command: string;
  concurrency: number;
  leaseSeconds: number;
}

/** A line of the runner's log. */
interface LogLine {
  event: string;
  task?: string;
  write?: string;
  code?: string;
}

/** One `wheelhouse-agent` process, and what its log says of its work. */
export class AgentProcess {
  readonly id: string;
  readonly name: string;
  /** Outcomes that the plane acknowledged. */
  readonly completed: string[] = [];
  /** Writes that were refused, like `complete lease_lost`. */
  readonly refusals: string[] = [];
  /** Tasks whose command runs, as far as the log tells. */
  readonly atWork = new Set<string>();
  fate = 'worked to the end';
  private readonly options: AgentProcessOptions;
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  constructor(options: AgentProcessOptions) {
    this.options = options;
    this.id = options.id;
    this.name = options.name;
    const flags = ['--url', options.url, '--exec', options.command, '--concurrency', String(options.concurrency)];
    const more = ['--lease', String(options.leaseSeconds), '--wait', '5', '--log', 'json'];
    this.child = spawn(projectNode(), [join(process.cwd(), 'clients', 'runner', 'main.ts'), ...flags, ...more], {
      env: { ...plainEnvironment(), WHEELHOUSE_AGENT_TOKEN: options.token },
      stdio: ['ignore', 'inherit', 'pipe'],
      detached: true,
    });
    this.exited = once(this.child, 'exit');
    if (this.child.stderr) createInterface(this.child.stderr).on('line', (line) => this.read(line));
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Refused writes of a lease that somebody else has by now. */
  get lateAnswers(): number {
    return this.refusals.filter((refusal) => refusal.endsWith('lease_lost')).length;
  }

  /** Results, finished too late, that were refused. */
  get lateResults(): number {
    return this.refusals.filter((refusal) => refusal === 'complete lease_lost').length;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Sends the result of a lease in its name, as it would have, had it not asked for more time before. */
  async answerLate({ id, fence }: { id: string; fence: number }): Promise<void> {
    const answer = await fetch(`${this.options.url}/api/v1/agent/tasks/${id}/complete`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.options.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ fence, result: { late: true } }),
      signal: AbortSignal.timeout(30_000),
    });
    const { code } = (await answer.json()) as { code?: string };
    if (!answer.ok) this.refusals.push(`complete ${code ?? answer.status}`);
  }

  /** Lets it finish what it does; resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.isRunning) {
      this.child.kill('SIGCONT');
      this.child.kill('SIGTERM');
    }
    const late = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    await this.exited;
    clearTimeout(late);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private read(text: string): void {
    const line = parse(text);
    if (!line) return void process.stderr.write(`${this.name}: ${text}\n`);
    if (line.task !== undefined) this.atWork[line.event === 'started' ? 'add' : 'delete'](line.task);
    if (line.event === 'completed' && line.task !== undefined) this.completed.push(line.task);
    if (line.event === 'refused') this.refusals.push(`${line.write ?? ''} ${line.code ?? ''}`);
    if (line.event === 'failed') process.stderr.write(`${this.name}: ${text}\n`);
  }
}

function parse(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    // A crash of Node.js itself is not JSON; it is shown.
    return undefined;
  }
}
