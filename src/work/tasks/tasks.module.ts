import { Global, Module } from '@nestjs/common';
import { AgentLeases } from '../../fleet/agents/agent-leases.port.js';
import { AgentLeasesRepository } from './agent-leases.repository.js';
import { AgentLeasesService } from './agent-leases.service.js';

/** Tasks. Global for the one port that the fleet asks. */
@Global()
@Module({ providers: [AgentLeasesRepository, { provide: AgentLeases, useClass: AgentLeasesService }], exports: [AgentLeases] })
export class TasksModule {}
