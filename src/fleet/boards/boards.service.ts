import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import { newId } from '../../core/ids.js';
import type { Page } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { slugify } from '../../core/slug.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { Events } from '../../platform/events/events.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import { AgentsReader } from '../agents/agents.reader.js';
import type { Board } from './board.entity.js';
import { BoardAgentsRepository } from './board-agents.repository.js';
import { BoardMembersService } from './board-members.service.js';
import { BoardTasks } from './board-tasks.port.js';
import type { BoardFields, CreateBoardDto, ListBoardsQuery, UpdateBoardDto } from './boards.dto.js';
import { BoardDeleted } from './boards.events.js';
import { type BoardPatch, BoardsRepository, COUNTED_BOARDS, type NewBoard } from './boards.repository.js';
import { toBoardView } from './boards.view.js';

const MOST_SLUG_TRIES = 100;
/** Leaves room for a number in the 60 characters of a slug. */
const LONGEST_BASE = 52;

/** Making, reading, changing and deleting boards. */
@Injectable()
export class BoardsService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: BoardsRepository,
    private readonly members: BoardAgentsRepository,
    private readonly membership: BoardMembersService,
    private readonly agents: AgentsReader,
    private readonly tasks: BoardTasks,
    private readonly events: Events,
    private readonly audit: AuditPort,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('boards', COUNTED_BOARDS);
  }

  @Transactional()
  list(query: ListBoardsQuery): Promise<Page<Board>> {
    return this.repository.page(this.context.tenantId, query);
  }

  /** The boards of the calling agent. */
  @Transactional()
  listOwn(query: ListBoardsQuery): Promise<Page<Board>> {
    return this.repository.pageOfAgent(this.context.tenantId, this.context.actor.id, query);
  }

  @Transactional()
  async get(id: string): Promise<Board> {
    const board = await this.repository.find(this.context.tenantId, id);
    if (!board) throw notFound('board');
    return board;
  }

  /** @throws Problem `slug_taken` for a slug that was asked for, `plan_limit_reached` */
  @Transactional()
  async create(dto: CreateBoardDto): Promise<Board> {
    await this.plans.admit('boards');
    const { lead_agent_id, ...columns } = columnsOf(dto);
    const row = { ...columns, id: newId(), tenant_id: this.context.tenantId, name: dto.name.trim() };
    const made = dto.slug === undefined ? await this.insertWithFreeSlug(row) : await this.repository.insert({ ...row, slug: dto.slug });
    if (!made) throw new Problem('slug_taken', { current: dto.slug });
    const board = lead_agent_id ? await this.lead(made, lead_agent_id) : made;
    await this.audit.record({ action: 'board.create', resource: { type: 'board', id: board.id }, after: toBoardView(board) });
    return board;
  }

  /** @throws Problem `slug_taken`, `board_full`, `precondition_failed` */
  @Transactional()
  async update(id: string, dto: UpdateBoardDto): Promise<Board> {
    const board = this.checked(await this.repository.lock(this.context.tenantId, id));
    const patch: BoardPatch = { ...columnsOf(dto), ...(dto.name === undefined ? {} : { name: dto.name.trim() }), ...(dto.slug === undefined ? {} : { slug: dto.slug }) };
    if (Object.keys(patch).length === 0) return board;
    await this.checkRoom(board, patch.max_agents);
    const limit = patch.max_agents === undefined ? board.max_agents : patch.max_agents;
    if (patch.lead_agent_id) await this.joinAsLead({ ...board, max_agents: limit }, patch.lead_agent_id);
    const changed = await this.write(board, patch);
    await this.audit.record({ action: 'board.update', resource: { type: 'board', id }, ...changesBetween(toBoardView(board), toBoardView(changed)) });
    return changed;
  }

  /** Soft: its tasks keep pointing to it. @throws Problem `conflict` while tasks on it are open */
  @Transactional()
  async delete(id: string): Promise<void> {
    const board = this.checked(await this.repository.lockToDelete(this.context.tenantId, id));
    const open = await this.tasks.countOpen(id);
    if (open > 0) {
      throw new Problem('conflict', { detail: 'The board has open tasks.', remedy: 'Complete or cancel them, or move them to another board.', limit: 0, current: open });
    }
    await this.membership.clear(board);
    await this.repository.update(board.tenant_id, id, { deleted_at: new Date(), lead_agent_id: null });
    await this.audit.record({ action: 'board.delete', resource: { type: 'board', id }, before: toBoardView(board) });
    await this.events.publish(BoardDeleted, { board_id: id });
  }

  private checked(board: Board | null): Board {
    if (!board) throw notFound('board');
    checkIfMatch(this.context.get('ifMatch'), board);
    return board;
  }

  private async joinAsLead(board: Board, agentId: string): Promise<void> {
    if (!(await this.agents.exists(agentId))) throw invalidField('lead_agent_id', 'not_found', 'is no agent');
    await this.membership.join(board, agentId);
  }

  private async lead(board: Board, agentId: string): Promise<Board> {
    await this.joinAsLead(board, agentId);
    return this.repository.update(board.tenant_id, board.id, { lead_agent_id: agentId });
  }

  private async checkRoom(board: Board, most: number | null | undefined): Promise<void> {
    if (most === undefined || most === null) return;
    const count = await this.members.count(board.tenant_id, board.id);
    if (count > most) throw new Problem('board_full', { detail: 'More agents are on the board than max_agents would allow.', limit: most, current: count });
  }

  private async write(board: Board, patch: BoardPatch): Promise<Board> {
    try {
      return await this.repository.update(board.tenant_id, board.id, patch);
    } catch (error) {
      if (brokenConstraint(error) === 'boards_slug') throw new Problem('slug_taken', { current: patch.slug });
      throw error;
    }
  }

  /** `name`, `name-2`, `name-3`...: whoever comes second under the same name looks again. */
  private async insertWithFreeSlug(row: Omit<NewBoard, 'slug'>): Promise<Board | undefined> {
    const base = slugify(row.name, 'board').slice(0, LONGEST_BASE).replace(/-$/, '');
    for (let tries = 0; tries < MOST_SLUG_TRIES; tries += 1) {
      const number = (await this.repository.highestSuffix(row.tenant_id, base)) + 1;
      const board = await this.repository.insert({ ...row, slug: number === 1 ? base : `${base}-${number}` });
      if (board) return board;
    }
    return undefined;
  }
}

/** The fields of a request as columns; what is left out is not among them. */
function columnsOf(dto: BoardFields): BoardPatch {
  const all: BoardPatch = {
    description: dto.description,
    require_approval_for_done: dto.require_approval_for_done,
    require_review_before_done: dto.require_review_before_done,
    comment_required_for_review: dto.comment_required_for_review,
    block_status_changes_with_pending_approval: dto.block_status_changes_with_pending_approval,
    only_lead_can_change_status: dto.only_lead_can_change_status,
    max_agents: dto.max_agents,
    lead_agent_id: dto.lead_agent_id?.toLowerCase() ?? dto.lead_agent_id,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
