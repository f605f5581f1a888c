import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { PoolClient } from 'pg';
import { Config } from '../../platform/config/config.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { Events } from '../../platform/events/events.js';
import { AgentStatusChanged } from './agents.events.js';
import { HeartbeatsRepository, type SilentAgent } from './heartbeats.repository.js';

const MISSED_HEARTBEATS = 3;
const LOOK_MS = 250;

/**
 * Turns agents offline that missed three heartbeats, in whichever processes run jobs: each statement takes what no
 * other has taken. Their tasks are not touched: leases run out by themselves.
 */
@Injectable()
export class SilentAgentsSweeper implements BeforeApplicationShutdown {
  private readonly logger = new Logger(SilentAgentsSweeper.name);
  private running: Promise<void> | undefined;
  private due = performance.now();
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly repository: HeartbeatsRepository,
    private readonly events: Events,
    private readonly signal: EventSignal,
  ) {}

  /** Looks four times in a heartbeat, however long that is. */
  @Interval(LOOK_MS)
  look(): void {
    if (!this.config.runsJobs || this.stopped || this.running || performance.now() < this.due) return;
    this.due = performance.now() + (this.config.get('HEARTBEAT_SECONDS') * 1000) / 4 - LOOK_MS / 2;
    this.running = this.sweep()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'Looking for silent agents failed; it is tried again.'))
      .finally(() => (this.running = undefined));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async sweep(): Promise<void> {
    const seconds = this.config.get('HEARTBEAT_SECONDS') * MISSED_HEARTBEATS;
    while (!this.stopped) {
      const found = await this.repository.sweep(seconds, (client, silent) => this.publish(client, silent));
      if (found === 0) return;
      this.signal.raise();
    }
  }

  private async publish(client: PoolClient, silent: SilentAgent[]): Promise<void> {
    for (const [tenantId, agents] of Map.groupBy(silent, ({ tenant_id }) => tenant_id)) {
      const facts = agents.map(({ id, name, previous_status, is_active, control_state }) => ({ agent_id: id, name, status: 'offline', previous_status, is_active, control_state }));
      await this.events.publishAll(client, tenantId, AgentStatusChanged, facts);
    }
  }
}
