import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { Config } from '../../platform/config/config.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { Events } from '../../platform/events/events.js';
import { Loops } from '../../platform/jobs/loops.js';
import { AgentStatusChanged } from './agents.events.js';
import { HeartbeatsRepository, type SilentAgent } from './heartbeats.repository.js';

const MISSED_HEARTBEATS = 3;
const LOOKS_PER_HEARTBEAT = 4;

/**
 * Turns agents offline that missed three heartbeats, in whichever processes run jobs: each statement takes what no
 * other has taken. Their tasks are not touched: leases run out by themselves.
 */
@Injectable()
export class SilentAgentsSweeper implements OnApplicationBootstrap {
  constructor(
    private readonly loops: Loops,
    private readonly config: Config,
    private readonly repository: HeartbeatsRepository,
    private readonly events: Events,
    private readonly signal: EventSignal,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.runsJobs) return;
    this.loops.every('silent-agents', (this.config.get('HEARTBEAT_SECONDS') * 1000) / LOOKS_PER_HEARTBEAT, (signal) => this.sweep(signal));
  }

  private async sweep(signal: AbortSignal): Promise<void> {
    const seconds = this.config.get('HEARTBEAT_SECONDS') * MISSED_HEARTBEATS;
    while (!signal.aborted) {
      const found = await this.repository.sweep(seconds, (client, silent) => this.publish(client, silent));
      if (found === 0) return;
      this.signal.raise();
    }
  }

  private async publish(client: PoolClient, silent: SilentAgent[]): Promise<void> {
    for (const [tenantId, agents] of Map.groupBy(silent, ({ tenant_id }) => tenant_id)) {
      const facts = agents.map(({ id, name, previous_status, is_active, control_state }) => ({ agent_id: id, name, status: 'offline', previous_status, is_active, control_state, previous_control_state: control_state }));
      await this.events.publishAll(client, tenantId, AgentStatusChanged, facts);
    }
  }
}
