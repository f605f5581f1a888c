import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient } from './admin-client.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Progress } from './progress.ts';

/** Requests of a process that has just been frozen are answered by then; ms. */
const ON_THE_WIRE_MS = 300;
const ANSWER_LIMIT_MS = 2_000;

interface HeldTask {
  id: string;
  fence: number;
}

/** Kills one agent and freezes another past its leases, and lets that one answer when it is too late. */
export class Faults {
  note = '';
  private readonly admin: AdminClient;
  private readonly agents: readonly AgentProcess[];
  private readonly progress: Progress;
  private readonly leaseSeconds: number;
  private struck: Promise<void> | undefined;
  private held: HeldTask[] = [];

  constructor(admin: AdminClient, agents: readonly AgentProcess[], progress: Progress, leaseSeconds: number) {
    this.admin = admin;
    this.agents = agents;
    this.progress = progress;
    this.leaseSeconds = leaseSeconds;
  }

  /** Begins, once; goes on by itself. */
  strike(): void {
    if (this.struck) return;
    this.struck = this.killAndFreeze();
    // Looked at by settle().
    this.struck.catch(() => undefined);
  }

  /** Resolves when the frozen agent has given its late answers. */
  async settle(): Promise<void> {
    await this.struck;
  }

  mistakes(): string[] {
    if (!this.struck) return ['it was over before an agent was killed'];
    if (this.held.length === 0) return ['the frozen agent held nothing when it froze'];
    return this.frozen.lateResults > 0 ? [] : ['no late result of the frozen agent was refused'];
  }

  private get frozen(): AgentProcess {
    return this.agent(2);
  }

  private agent(index: number): AgentProcess {
    const agent = this.agents[index];
    if (!agent) throw new Error(`there is no agent ${index + 1}`);
    return agent;
  }

  private async killAndFreeze(): Promise<void> {
    const killed = this.agent(1);
    const heldByKilled = (await this.heldBy(killed)).length;
    await killed.kill();
    killed.fate = 'ended with kill -9';
    this.progress.say(`kill -9 ${killed.name}, which held about ${heldByKilled} tasks`);
    await this.freezeWithWork();
    if (this.held.length === 0) return;
    const frozenAt = performance.now();
    this.progress.say(`SIGSTOP ${this.frozen.name}, which holds ${this.held.length} tasks`);
    this.note = `${killed.name} is dead, ${this.frozen.name} is frozen`;
    while ((await this.heldBy(this.frozen)).length > 0) await sleep(200);
    const seconds = ((performance.now() - frozenAt) / 1000).toFixed(1);
    this.frozen.fate = `was frozen for ${seconds} s, past its leases of ${this.leaseSeconds} s`;
    this.progress.say(`SIGCONT ${this.frozen.name} after ${seconds} s: its leases are lost`);
    this.note = `${killed.name} is dead`;
    this.frozen.signal('SIGCONT');
    const limit = performance.now() + ANSWER_LIMIT_MS;
    while (this.frozen.lateResults === 0 && performance.now() < limit) await sleep(50);
    // Its renewal may have been refused before its results were ready: then they are sent for it.
    if (this.frozen.lateResults === 0) for (const task of this.held) await this.frozen.answerLate(task);
  }

  /** Freezes it in a moment when a command of it runs, whose result will come too late; it may be between two tasks. */
  private async freezeWithWork(): Promise<void> {
    for (let tries = 0; tries < 50; tries++) {
      this.frozen.signal('SIGSTOP');
      await sleep(ON_THE_WIRE_MS);
      if (await this.worksOnItsOwn()) this.held = await this.heldBy(this.frozen);
      if (this.held.length > 0) return;
      this.frozen.signal('SIGCONT');
      await sleep(70);
    }
  }

  private async worksOnItsOwn(): Promise<boolean> {
    for (const id of this.frozen.atWork) {
      const task = await this.admin.request<{ claimed_by: string | null }>('GET', `/tasks/${id}`);
      if (task.claimed_by === this.frozen.id) return true;
    }
    return false;
  }

  private async heldBy(agent: AgentProcess): Promise<HeldTask[]> {
    const page = await this.admin.request<{ items: HeldTask[] }>('GET', `/tasks?status=in_progress&claimed_by=${agent.id}&limit=100`);
    return page.items;
  }
}
