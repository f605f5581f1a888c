import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { throwIfRefused } from '../../platform/auth/caller-watch.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Batcher } from '../../platform/database/batcher.js';
import { isDatabaseAway } from '../../platform/database/database-problem.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { type ClaimRequest, distribute, isServed, serve, type ServedClaim } from './claim-distribution.js';
import { ClaimsRepository } from './claims.repository.js';
import type { Task } from './task.entity.js';
import { TaskSignal } from './task-signal.js';
import { TaskWaiters } from './task-waiters.js';
import type { ClaimTasksDto } from './tasks.dto.js';

const MOST_CLAIMS = 64;
const MOST_RUNNING = 2;

interface ClaimResult {
  tasks: Task[];
  refusal?: Problem;
  /** Lanes that count for the claim: what to wait for when there was nothing. */
  lanes: string[];
  /** The agent is paused or holds all that it may: no new task can be for it. */
  blocked: boolean;
}

/**
 * Hands out tasks. Claims that arrive while others are being served go together in one transaction; an agent that finds
 * nothing may wait, and is woken when a task becomes ready in a lane that it serves.
 */
@Injectable()
export class ClaimTasksService implements BeforeApplicationShutdown {
  private readonly batcher = new Batcher<ClaimRequest, ClaimResult>((tenantId, requests) => this.serveBatch(tenantId, requests), MOST_CLAIMS, MOST_RUNNING, { concernsAll: isDatabaseAway });
  private stopping = false;

  constructor(
    private readonly context: RequestContext,
    private readonly database: TenantDatabase,
    private readonly repository: ClaimsRepository,
    private readonly waiters: TaskWaiters,
    private readonly signal: EventSignal,
    private readonly taskSignal: TaskSignal,
  ) {}

  /**
   * @param aborted ends the wait when the client has gone, or may no longer call: nothing is claimed for nobody
   * @throws Problem `agent_killed`, `agent_inactive`, and what `aborted` was aborted with
   */
  async claim({ max, lease_seconds, wait_seconds, board_id }: ClaimTasksDto, aborted: AbortSignal): Promise<Task[]> {
    const { tenantId, actor, requestId } = this.context;
    const request: ClaimRequest = { agentId: actor.id, max, leaseSeconds: lease_seconds, ...(board_id ? { boardId: board_id.toLowerCase() } : {}), ...(requestId ? { requestId } : {}) };
    const until = performance.now() + wait_seconds * 1000;
    for (;;) {
      throwIfRefused(aborted);
      const ticket = this.waiters.ticket(tenantId, actor.id);
      try {
        const { tasks, refusal, lanes, blocked } = await this.batcher.add(tenantId, request);
        if (refusal) throw refusal;
        const milliseconds = until - performance.now();
        if (tasks.length > 0 || milliseconds <= 0 || aborted.aborted || this.stopping) return tasks;
        await ticket.wait({ lanes, blocked, milliseconds, aborted });
        throwIfRefused(aborted);
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

  private async serveBatch(tenantId: string, requests: ClaimRequest[]): Promise<ClaimResult[]> {
    const agents = [...new Set(requests.map(({ agentId }) => agentId))];
    const { results, left } = await this.database.transactionHolding(tenantId, 'agents', agents, async (client, commitNow) => {
      const { claimants, candidates } = await this.repository.look(client, tenantId, requests);
      const claims = serve(requests, new Map(claimants.map((claimant) => [claimant.id, claimant])));
      const { given, left: leftOver } = distribute(claims, candidates);
      const assignments = given.flat();
      const assigning = assignments.length === 0 ? [] : this.repository.assign(client, tenantId, assignments);
      commitNow();
      const byId = new Map((await assigning).map((task) => [task.id, task]));
      return { results: claims.map((claim, index) => resultOf(claim, (given[index] ?? []).flatMap(({ taskId }) => byId.get(taskId) ?? []))), left: leftOver };
    });
    if (results.some(({ tasks }) => tasks.length > 0)) this.signal.raise();
    // A claim that ran beside this one skipped what was held here: it may have gone away with nothing.
    for (const lane of new Set(left.map(({ lane_id }) => lane_id))) this.taskSignal.ready(tenantId, lane);
    return results;
  }
}

function resultOf({ claimant, lanes }: ServedClaim, tasks: Task[]): ClaimResult {
  const nothing = { tasks, lanes: [], blocked: true };
  if (!claimant?.is_active && claimant?.control_state !== 'killed') return { ...nothing, refusal: new Problem('agent_inactive') };
  if (claimant.control_state === 'killed') return { ...nothing, refusal: new Problem('agent_killed') };
  return { tasks, lanes: [...lanes], blocked: !isServed(claimant) || claimant.free <= tasks.length };
}
