import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { plainEnvironment, projectNode } from '../../scripts/demo/plane-process.ts';
import type { AgentClientConfig } from './agent-client.ts';

/** One agent's process, which can be killed, started again, frozen and thawed. */
export class AgentUnderTest {
  readonly id: string;
  private readonly token: string;
  private readonly config: Omit<AgentClientConfig, 'client' | 'seed'>;
  private readonly name: string;
  private readonly seed: number;
  private incarnation = 0;
  private child: ChildProcess | undefined;

  constructor(name: string, agent: { id: string; token: string }, seed: number, place: Omit<AgentClientConfig, 'client' | 'seed' | 'agentId'>) {
    this.name = name;
    this.id = agent.id;
    this.token = agent.token;
    this.seed = seed;
    this.config = { ...place, agentId: agent.id };
  }

  start(): void {
    this.incarnation += 1;
    const config: AgentClientConfig = { ...this.config, client: `${this.name}.${this.incarnation}`, seed: this.seed + this.incarnation };
    this.child = spawn(projectNode(), [join(process.cwd(), 'test', 'torture', 'agent-client.ts'), JSON.stringify(config)], {
      env: { ...plainEnvironment(), TORTURE_AGENT_TOKEN: this.token },
      stdio: 'inherit',
      detached: true,
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  async end(how: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(how);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await exit;
    clearTimeout(late);
  }
}
