import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentUnderTest } from './agents.ts';
import type { Cluster } from './cluster.ts';
import type { EventClient } from './event-client.ts';
import { type HistoryWriter, now } from './history.ts';
import type { KeyRotations } from './key-rotation.ts';
import type { Prng } from './prng.ts';
import type { Purges } from './purges.ts';
import { sequencerHolder } from './sequencer-holder.ts';

/** How often each comes, among all faults. */
const WEIGHTS = {
  'kill an API process': 20,
  'drain an API process': 8,
  'freeze an API process': 8,
  'kill a worker': 6,
  'kill the sequencer': 14,
  'rotate the master key': 8,
  'purge an agent': 3,
  'purge a tenant': 3,
  'freeze an agent': 20,
  'kill an agent': 10,
  'restart PostgreSQL': 6,
  'crash PostgreSQL': 6,
  'cut all connections': 10,
  'cut the event stream': 4,
};
export type FaultName = keyof typeof WEIGHTS;
export const FAULTS = Object.keys(WEIGHTS) as FaultName[];

/** Past the leases of 5 s that the agents take; ms. */
const PAST_LEASE_MS = 6_000;

export interface FaultTargets {
  cluster: Cluster;
  agents: readonly AgentUnderTest[];
  events: EventClient;
  rotations: KeyRotations;
  purges: Purges;
  history: HistoryWriter;
}

/** Breaks things, as the seed says, and mends them again. */
export class Faults {
  readonly counts = new Map<FaultName, number>();
  lastAt = 0;
  private readonly targets: FaultTargets;
  private readonly prng: Prng;
  private readonly say: (line: string) => void;
  /** Those that mend themselves while others go on. */
  private readonly mending = new Set<Promise<void>>();
  private readonly frozen = new Set<AgentUnderTest>();
  /** Each kind comes once before chance decides: a short run has had them all. */
  private readonly first: FaultName[];

  /** @param foremost the one that comes first of all */
  constructor(targets: FaultTargets, prng: Prng, say: (line: string) => void, foremost?: FaultName) {
    this.targets = targets;
    this.prng = prng;
    this.say = say;
    this.first = FAULTS.map((name) => ({ name, rank: name === foremost ? 1 : prng.next() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ name }) => name);
  }

  /** One fault after the other; resolves when the time is up and all is mended. */
  async runUntil(isOver: () => boolean): Promise<void> {
    await sleep(1_000);
    while (!isOver()) {
      const name = this.first.pop() ?? this.prng.weighted(WEIGHTS);
      this.say(name);
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      const from = Date.now();
      await this.strike(name);
      this.targets.history.broke({ name, from, until: Date.now(), offset: Date.now() - now() });
      await sleep(this.prng.between(500, 2_500));
    }
    await Promise.all(this.mending);
    await this.targets.rotations.finish();
    this.lastAt = now();
  }

  private async strike(name: FaultName): Promise<void> {
    const { cluster, events, rotations, purges } = this.targets;
    const api = this.prng.pick(cluster.apis);
    const pause = this.prng.between(100, 1_500);
    switch (name) {
      case 'kill an API process':
        return cluster.bounce(api, 'SIGKILL', pause);
      case 'drain an API process':
        return cluster.bounce(api, 'SIGTERM', pause);
      case 'freeze an API process':
        api.signal('SIGSTOP');
        await sleep(this.prng.between(1_000, 5_000));
        return api.signal('SIGCONT');
      case 'kill a worker':
        return cluster.bounce(this.prng.pick(cluster.workers), 'SIGKILL', pause);
      case 'kill the sequencer':
        return this.killSequencer(pause);
      case 'rotate the master key':
        return rotations.begin();
      case 'purge an agent':
        return purges.purge('agent');
      case 'purge a tenant':
        return purges.purge('tenant');
      case 'freeze an agent':
        return this.freezeAgent();
      case 'kill an agent':
        return this.killAgent(pause);
      case 'restart PostgreSQL':
        return cluster.restartPostgres(false, pause);
      case 'crash PostgreSQL':
        return cluster.restartPostgres(true, pause);
      case 'cut all connections':
        await cluster.cutConnections();
        return;
      case 'cut the event stream':
        return events.cut();
      default:
        return name satisfies never;
    }
  }

  /** Whichever process leads, for so long as it is away. */
  private async killSequencer(pause: number): Promise<void> {
    const holder = await sequencerHolder(this.targets.cluster);
    if (holder) await this.targets.cluster.bounce(holder, 'SIGKILL', pause);
    else this.say('  nobody leads just now');
  }

  private freezeAgent(): void {
    const agent = this.prng.pick(this.targets.agents);
    if (this.frozen.has(agent)) return;
    this.frozen.add(agent);
    agent.signal('SIGSTOP');
    this.mend(PAST_LEASE_MS + this.prng.between(0, 4_000), () => {
      agent.signal('SIGCONT');
      this.frozen.delete(agent);
    });
  }

  private async killAgent(pause: number): Promise<void> {
    const thawed = this.targets.agents.filter((agent) => !this.frozen.has(agent));
    if (thawed.length === 0) return;
    const agent = this.prng.pick(thawed);
    await agent.end('SIGKILL');
    this.mend(pause, () => agent.start());
  }

  private mend(afterMs: number, how: () => void): void {
    const mended = sleep(afterMs).then(how);
    this.mending.add(mended);
    void mended.finally(() => this.mending.delete(mended));
  }
}
