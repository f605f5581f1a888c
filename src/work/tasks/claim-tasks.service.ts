import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Batcher } from '../../platform/database/batcher.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { type ClaimRequest, distribute, laneDemand } from './claim-distribution.js';
import { type Claimant, ClaimsRepository } from './claims.repository.js';
import type { Task } from './task.entity.js';
import { TaskWaiters } from './task-waiters.js';
import type { ClaimTasksDto } from './tasks.dto.js';

const MOST_CLAIMS = 64;
const MOST_RUNNING = 2;

interface ClaimResult {
  tasks: Task[];
  refusal?: Problem;
  /** Lanes the agent serves: what to wait for when there was nothing. */
  lanes: string[];
  full: boolean;
}

/**
 * Hands out tasks. Claims that arrive while others are being served go together in one transaction; an agent that finds
 * nothing may wait, and is woken when a task becomes ready in a lane that it serves.
 */
@Injectable()
export class ClaimTasksService implements BeforeApplicationShutdown {
  private readonly batcher = new Batcher<ClaimRequest, ClaimResult>((tenantId, requests) => this.serve(tenantId, requests), MOST_CLAIMS, MOST_RUNNING);
  private stopping = false;

  constructor(
    private readonly context: RequestContext,
    private readonly database: TenantDatabase,
    private readonly repository: ClaimsRepository,
    private readonly waiters: TaskWaiters,
    private readonly signal: EventSignal,
  ) {}

  /**
   * @param aborted ends the wait when the client has gone: nothing is claimed for nobody
   * @throws Problem `agent_killed`, `agent_inactive`
   */
  async claim({ max, lease_seconds, wait_seconds, board_id }: ClaimTasksDto, aborted: AbortSignal): Promise<Task[]> {
    const { tenantId, actor } = this.context;
    const request: ClaimRequest = { agentId: actor.id, max, leaseSeconds: lease_seconds, ...(board_id ? { boardId: board_id } : {}) };
    const until = performance.now() + wait_seconds * 1000;
    for (;;) {
      const ticket = this.waiters.ticket(tenantId);
      try {
        const { tasks, refusal, lanes, full } = await this.batcher.add(tenantId, request);
        if (refusal) throw refusal;
        const milliseconds = until - performance.now();
        if (tasks.length > 0 || milliseconds <= 0 || aborted.aborted || this.stopping) return tasks;
        await ticket.wait({ lanes, full, milliseconds, aborted });
        if (aborted.aborted) return [];
      } finally {
        ticket.close();
      }
    }
  }

  /** Agents that wait are answered with nothing, so that they come back to another process. */
  beforeApplicationShutdown(): void {
    this.stopping = true;
    this.waiters.wakeAll();
  }

  private async serve(tenantId: string, requests: ClaimRequest[]): Promise<ClaimResult[]> {
    const agents = [...new Set(requests.map(({ agentId }) => agentId))];
    const results = await this.database.transactionHolding(tenantId, 'agents', agents, async (client) => {
      const claimants = new Map((await this.repository.claimants(client, tenantId, agents)).map((claimant) => [claimant.id, claimant]));
      const able = new Map([...claimants].filter(([, { control_state, is_active }]) => is_active && control_state === 'running'));
      const given = new Map<ClaimRequest, string[]>();
      const assignments = [];
      // Claims for one board look at that board alone, so they are served apart from the others.
      for (const group of groupByBoard(requests)) {
        const demand = laneDemand(group, able);
        const candidates = demand.length === 0 ? [] : await this.repository.candidates(client, tenantId, demand, group[0]?.boardId);
        for (const [index, list] of distribute(group, able, candidates).entries()) {
          const request = group[index];
          if (!request) continue;
          given.set(request, list.map(({ taskId }) => taskId));
          assignments.push(...list);
          const claimant = able.get(request.agentId);
          if (claimant) claimant.free -= list.length;
        }
      }
      const tasks = assignments.length === 0 ? [] : await this.repository.assign(client, tenantId, assignments, this.context.requestId);
      const byId = new Map(tasks.map((task) => [task.id, task]));
      return requests.map((request) => resultOf(claimants.get(request.agentId), (given.get(request) ?? []).flatMap((id) => byId.get(id) ?? [])));
    });
    if (results.some(({ tasks }) => tasks.length > 0)) this.signal.raise();
    return results;
  }
}

function groupByBoard(requests: readonly ClaimRequest[]): ClaimRequest[][] {
  return [...Map.groupBy(requests, ({ boardId }) => boardId ?? '').values()];
}

function resultOf(claimant: Claimant | undefined, tasks: Task[]): ClaimResult {
  if (!claimant) return { tasks, refusal: new Problem('agent_inactive'), lanes: [], full: false };
  if (claimant.control_state === 'killed') return { tasks, refusal: new Problem('agent_killed'), lanes: [], full: false };
  if (!claimant.is_active) return { tasks, refusal: new Problem('agent_inactive'), lanes: [], full: false };
  return { tasks, lanes: claimant.control_state === 'paused' ? [] : claimant.lanes, full: claimant.free <= 0 };
}
