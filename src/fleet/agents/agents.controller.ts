import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { AgentControlService } from './agent-control.service.js';
import { AgentTokensService } from './agent-tokens.service.js';
import { ControlAgentDto, CreateAgentDto, ListAgentsQuery, RotateAgentTokenDto, UpdateAgentDto } from './agents.dto.js';
import { AgentsService } from './agents.service.js';
import { AgentPresenceView, AgentView, CreatedAgentView, RotatedTokenView, toAgentView, toPresenceView } from './agents.view.js';

@ApiController('agents', 'Fleet / Agents')
export class AgentsController {
  constructor(
    private readonly agents: AgentsService,
    private readonly control: AgentControlService,
    private readonly tokens: AgentTokensService,
  ) {}

  /** Lists the agents, newest first. Deleted ones are not among them. */
  @Get()
  @Operation({ id: 'listAgents', allow: 'agent:read', returns: pageOf(AgentView) })
  async list(@Query() query: ListAgentsQuery): Promise<Page<AgentView>> {
    return mapPage(await this.agents.list(query), toAgentView);
  }

  /**
   * Makes an agent and its token. The token is in this answer alone. Without `slug` one is made from the name, with a
   * number when it is taken; a `slug` that is given and taken is refused. The agent is offline until it calls.
   */
  @Post()
  @Operation({ id: 'createAgent', allow: 'agent:write', returns: CreatedAgentView, status: 201, problems: ['slug_taken', 'plan_limit_reached'] })
  async create(@Body() body: CreateAgentDto): Promise<CreatedAgentView> {
    const { agent, token } = await this.agents.create(body);
    return { ...toAgentView(agent), token };
  }

  /** Reads an agent. */
  @Get(':id')
  @Operation({ id: 'getAgent', allow: 'agent:read', returns: AgentView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<AgentView> {
    return toAgentView(await this.agents.get(id));
  }

  /**
   * Changes the fields that are given. `is_active: false` acts at once, as stop does: the agent's tasks are queued again
   * and its token is refused. Null clears a field that may be empty.
   */
  @Patch(':id')
  @Operation({ id: 'updateAgent', allow: 'agent:write', returns: AgentView, problems: ['not_found', 'slug_taken', 'precondition_failed'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateAgentDto): Promise<AgentView> {
    return toAgentView(await this.agents.update(id, body));
  }

  /**
   * Deletes an agent. Its tasks are queued again, its tokens are refused at once, and its slug is free; what it did stays
   * readable. The agent that the setting `conductor.agent_id` names cannot be deleted.
   */
  @Delete(':id')
  @Operation({ id: 'deleteAgent', allow: 'agent:write', returns: NO_CONTENT, problems: ['not_found', 'conflict', 'precondition_failed'] })
  async delete(@Param('id', Uuid) id: string): Promise<void> {
    await this.agents.delete(id);
  }

  /** Activates an agent: its token works, and its status is idle until it is heard or has been silent for three heartbeats. */
  @Post(':id/start')
  @Operation({ id: 'startAgent', allow: 'agent:write', returns: AgentView, problems: ['not_found'] })
  async start(@Param('id', Uuid) id: string): Promise<AgentView> {
    return toAgentView(await this.control.start(id));
  }

  /** Deactivates an agent. Its tasks are queued again and its token is refused with `agent_inactive`, at once. */
  @Post(':id/stop')
  @Operation({ id: 'stopAgent', allow: 'agent:write', returns: AgentView, problems: ['not_found'] })
  async stop(@Param('id', Uuid) id: string): Promise<AgentView> {
    return toAgentView(await this.control.stop(id));
  }

  /** Pauses an agent: it gets no new task and may finish what it holds. Its next heartbeat is told. */
  @Post(':id/pause')
  @Operation({ id: 'pauseAgent', allow: 'agent:control', returns: AgentView, problems: ['not_found', 'conflict'] })
  async pause(@Param('id', Uuid) id: string, @Body() body: ControlAgentDto): Promise<AgentView> {
    return toAgentView(await this.control.pause(id, body.reason ?? null));
  }

  /** Resumes an agent that was paused or killed. */
  @Post(':id/resume')
  @Operation({ id: 'resumeAgent', allow: 'agent:control', returns: AgentView, problems: ['not_found'] })
  async resume(@Param('id', Uuid) id: string, @Body() body: ControlAgentDto): Promise<AgentView> {
    return toAgentView(await this.control.resume(id, body.reason ?? null));
  }

  /**
   * Kills an agent. It loses its leases at once, its tasks are queued again, its streams are cut, and its token is
   * refused with `agent_killed` until it is resumed.
   */
  @Post(':id/kill')
  @Operation({ id: 'killAgent', allow: 'agent:control', returns: AgentView, problems: ['not_found'] })
  async kill(@Param('id', Uuid) id: string, @Body() body: ControlAgentDto): Promise<AgentView> {
    return toAgentView(await this.control.kill(id, body.reason ?? null));
  }

  /**
   * Replaces the agent's token. The new one is in this answer alone. With `overlap_seconds` the present token works that
   * much longer and the agent's next heartbeat carries a `rotate_token` command; without, it ends at once.
   */
  @Post(':id/rotate-token')
  @Operation({ id: 'rotateAgentToken', allow: 'agent:write', returns: RotatedTokenView, problems: ['not_found'] })
  async rotateToken(@Param('id', Uuid) id: string, @Body() body: RotateAgentTokenDto): Promise<RotatedTokenView> {
    const { token, previousValidUntil } = await this.tokens.rotate(id, body.overlap_seconds ?? 0);
    return { token, previous_valid_until: previousValidUntil.toISOString() };
  }

  /** Reads when an agent was last heard, and what it said of itself. */
  @Get(':id/presence')
  @Operation({ id: 'getAgentPresence', allow: 'agent:read', returns: AgentPresenceView, problems: ['not_found'] })
  async presence(@Param('id', Uuid) id: string): Promise<AgentPresenceView> {
    return toPresenceView(id, await this.agents.presence(id));
  }
}
