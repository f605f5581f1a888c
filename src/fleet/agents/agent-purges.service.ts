import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { AgentPurges, type PurgeableAgent } from './agent-purges.port.js';
import { AgentsRepository } from './agents.repository.js';
import { AgentsService } from './agents.service.js';

/** Ends an agent before its content goes. */
@Injectable()
export class AgentPurgesService extends AgentPurges {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AgentsRepository,
    private readonly agents: AgentsService,
  ) {
    super();
  }

  hold(id: string): Promise<PurgeableAgent | undefined> {
    return this.repository.lockDeletedToo(this.context.tenantId, id);
  }

  async cutOff(id: string): Promise<void> {
    if (await this.repository.find(this.context.tenantId, id)) await this.agents.delete(id);
  }
}
