import { Body, Post } from '@nestjs/common';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { HeartbeatDto } from './heartbeats.dto.js';
import { HeartbeatsService } from './heartbeats.service.js';
import { HeartbeatView, toHeartbeatView } from './heartbeats.view.js';

@ApiController('agent/heartbeat', 'Work / Agent protocol')
export class HeartbeatsController {
  constructor(private readonly heartbeats: HeartbeatsService) {}

  /**
   * Reports that the agent is alive, and fetches what it is told to do. Any call with the agent's token is a sign of
   * life; after three intervals without one the agent is `offline`, and its leases run out by themselves.
   */
  @Post()
  @Operation({ id: 'sendHeartbeat', allow: 'agent:work', returns: HeartbeatView, problems: ['not_found', 'agent_killed', 'agent_inactive'], idempotency: 'outside' })
  async beat(@Body() body: HeartbeatDto): Promise<HeartbeatView> {
    const { agent, commands, nextSeconds } = await this.heartbeats.beat(body);
    return toHeartbeatView(agent, commands, nextSeconds);
  }
}
