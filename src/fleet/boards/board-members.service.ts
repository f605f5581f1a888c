import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { AgentLeases } from '../agents/agent-leases.port.js';
import { AgentMemberships } from '../agents/agent-memberships.port.js';
import { AgentsReader } from '../agents/agents.reader.js';
import type { AgentView } from '../agents/agents.view.js';
import type { Board } from './board.entity.js';
import { BoardAgentsRepository } from './board-agents.repository.js';
import { BoardsRepository } from './boards.repository.js';
import { KnownMemberships } from './known-memberships.js';

/** Which agents are on a board. Changes are made one after the other, under the board's lock. */
@Injectable()
export class BoardMembersService extends AgentMemberships {
  constructor(
    private readonly context: RequestContext,
    private readonly boards: BoardsRepository,
    private readonly members: BoardAgentsRepository,
    private readonly agents: AgentsReader,
    private readonly leases: AgentLeases,
    private readonly known: KnownMemberships,
    private readonly audit: AuditPort,
  ) {
    super();
  }

  @Transactional()
  async list(boardId: string, request: PageRequest): Promise<Page<AgentView>> {
    const { tenantId } = this.context;
    if (!(await this.boards.find(tenantId, boardId))) throw notFound('board');
    return this.agents.page(await this.members.agentIds(tenantId, boardId), request);
  }

  /** Puts an agent on a board; one that is there already stays. @throws Problem `board_full` */
  @Transactional()
  async add(boardId: string, agentId: string): Promise<void> {
    const board = await this.lock(boardId);
    const added = await this.join(board, agentId);
    if (added) await this.audit.record({ action: 'board.agent.add', resource: { type: 'board', id: board.id }, detail: { agent_id: agentId } });
  }

  /** Takes an agent off a board; a lead that leaves leads no more. What it holds it may finish. */
  @Transactional()
  async remove(boardId: string, agentId: string): Promise<void> {
    const board = await this.lock(boardId);
    if (!(await this.members.remove(board.tenant_id, board.id, agentId))) throw notFound('agent');
    if (board.lead_agent_id === agentId) await this.boards.update(board.tenant_id, board.id, { lead_agent_id: null });
    await this.audit.record({ action: 'board.agent.remove', resource: { type: 'board', id: board.id }, detail: { agent_id: agentId } });
    this.changed(agentId);
  }

  /**
   * Puts an agent on a board whose row the caller holds.
   * @returns whether it was not there before
   * @throws Problem `not_found` for the agent, `board_full`
   */
  async join(board: Board, agentId: string): Promise<boolean> {
    if (!(await this.agents.exists(agentId))) throw notFound('agent');
    if (await this.members.has(board.tenant_id, board.id, agentId)) return false;
    const count = await this.members.count(board.tenant_id, board.id);
    if (board.max_agents !== null && count >= board.max_agents) throw new Problem('board_full', { limit: board.max_agents, current: count });
    await this.members.add(board.tenant_id, board.id, agentId);
    this.changed(agentId);
    return true;
  }

  /** Takes every agent off a board that is deleted, in the caller's transaction. */
  async clear(board: Board): Promise<void> {
    const agentIds = await this.members.agentIds(board.tenant_id, board.id);
    await this.members.removeBoard(board.tenant_id, board.id);
    for (const agentId of agentIds) this.changed(agentId);
  }

  async leaveAll(agentId: string): Promise<void> {
    await this.members.removeAgent(this.context.tenantId, agentId);
    await this.boards.clearLead(this.context.tenantId, agentId);
    this.known.forgetAfterCommit(agentId);
  }

  isOnBoard(tenantId: string, boardId: string, agentId: string): Promise<boolean> {
    return this.known.has(tenantId, boardId, agentId);
  }

  private async lock(boardId: string): Promise<Board> {
    const board = await this.boards.lock(this.context.tenantId, boardId);
    if (!board) throw notFound('board');
    checkIfMatch(this.context.get('ifMatch'), board);
    return board;
  }

  private changed(agentId: string): void {
    this.known.forgetAfterCommit(agentId);
    afterCommit(() => this.leases.agentChanged(agentId));
  }
}
