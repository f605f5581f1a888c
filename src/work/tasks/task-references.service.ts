import { Injectable } from '@nestjs/common';
import { invalidField, notFound } from '../../core/problem.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { BoardsReader } from '../../fleet/boards/boards.reader.js';
import { TasksRepository } from './tasks.repository.js';

/** What a task points to: it must be there, in the same tenant. */
export interface TaskReferences {
  agent_id?: string | null;
  board_id?: string | null;
  parent_task_id?: string | null;
}

/** Checks the ids that a new or changed task carries. */
@Injectable()
export class TaskReferencesService {
  constructor(
    private readonly agents: AgentsReader,
    private readonly boards: BoardsReader,
    private readonly repository: TasksRepository,
  ) {}

  /** @throws Problem `invalid_request` that names the field whose id is absent or another tenant's */
  async check(tenantId: string, references: TaskReferences): Promise<void> {
    if (references.agent_id && !(await this.agents.exists(references.agent_id))) throw invalidField('agent_id', 'not_found', 'is no agent');
    if (references.board_id && !(await this.boards.exists(references.board_id))) throw invalidField('board_id', 'not_found', 'is no board');
    if (references.parent_task_id && !(await this.repository.find(tenantId, references.parent_task_id))) {
      throw invalidField('parent_task_id', 'not_found', 'is no task');
    }
  }

  /** Whether an agent that a task is meant for is still there. */
  agentExists(agentId: string): Promise<boolean> {
    return this.agents.exists(agentId);
  }

  /**
   * Holds the dependencies until the transaction ends, so that none completes unseen.
   * @returns how many are not completed yet
   */
  async countOpen(tenantId: string, dependsOn: readonly string[]): Promise<number> {
    if (dependsOn.length === 0) return 0;
    const found = await this.repository.share(tenantId, dependsOn);
    const known = new Set(found.map(({ id }) => id));
    const missing = dependsOn.findIndex((id) => !known.has(id.toLowerCase()));
    if (missing >= 0) throw invalidField(`depends_on.${missing}`, 'not_found', 'is no task');
    const cancelled = new Set(found.filter(({ status }) => status === 'cancelled').map(({ id }) => id));
    const hopeless = dependsOn.findIndex((id) => cancelled.has(id.toLowerCase()));
    if (hopeless >= 0) throw invalidField(`depends_on.${hopeless}`, 'cancelled', 'is cancelled and will never be completed');
    return found.filter(({ status }) => status !== 'completed').length;
  }

  /** @throws Problem `not_found` unless the agent is on the board */
  async requireOnBoard(boardId: string, agentId: string): Promise<void> {
    if (!(await this.boards.hasAgent(boardId, agentId))) throw notFound('board');
  }
}
