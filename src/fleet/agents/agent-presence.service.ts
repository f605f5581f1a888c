import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Loops } from '../../platform/jobs/loops.js';
import { AgentPresenceRepository } from './agent-presence.repository.js';
import { AgentStatusService } from './agent-status.service.js';

const FLUSH_MS = 1_000;

/**
 * Remembers which agents called, and writes it down once a second in one statement: a call costs nothing for being a
 * sign of life. An agent that was taken for silent is back with its next call.
 */
@Injectable()
export class AgentPresence implements OnApplicationBootstrap {
  private heard = new Map<string, string>();

  constructor(
    private readonly loops: Loops,
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly repository: AgentPresenceRepository,
    private readonly statuses: AgentStatusService,
  ) {}

  /** A sign of life: any call with the agent's credentials. */
  seen(agentId: string, tenantId: string): void {
    this.heard.set(agentId, tenantId);
  }

  onApplicationBootstrap(): void {
    this.loops.every('agent-presence', FLUSH_MS, () => this.flush(), { onceMore: true });
  }

  /** What cannot be written is let go: the next calls are new signs of life, nothing is lost but a second. */
  private async flush(): Promise<void> {
    if (this.heard.size === 0) return;
    const agents = [...this.heard].map(([agent_id, tenant_id]) => ({ agent_id, tenant_id }));
    this.heard = new Map();
    const back = await this.repository.touch(agents, this.config.get('HEARTBEAT_SECONDS') / 4);
    for (const { tenant_id, agent_id, reported_status } of back) {
      await this.context.runAsSystem(tenant_id, 'agent-presence', () => this.statuses.report(agent_id, reported_status));
    }
  }
}
