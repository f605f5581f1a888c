import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { throwIfRefused } from '../../platform/auth/caller-watch.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Batcher } from '../../platform/database/batcher.js';
import { isDatabaseAway } from '../../platform/database/database-problem.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { CircuitBreakersReader } from '../../safeguards/circuit-breakers/circuit-breakers.reader.js';
import { type ClaimRequest, distribute, isServed, serve, type ServedClaim } from './claim-distribution.js';
import { ClaimsRepository } from './claims.repository.js';
import type { Task } from './task.entity.js';
import { TaskSignal } from './task-signal.js';
import { TaskToolsRepository } from './task-tools.repository.js';
import { TaskWaiters } from './task-waiters.js';
import type { ClaimTasksDto } from './tasks.dto.js';
import { settleProbe, ToolProbes } from './tool-probes.js';

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
  private readonly logger = new Logger(ClaimTasksService.name);
  private stopping = false;

  constructor(
    private readonly context: RequestContext,
    private readonly database: TenantDatabase,
    private readonly repository: ClaimsRepository,
    private readonly waiters: TaskWaiters,
    private readonly signal: EventSignal,
    private readonly taskSignal: TaskSignal,
    private readonly breakers: CircuitBreakersReader,
    private readonly tools: TaskToolsRepository,
  ) {
    breakers.onChanged((tenantId) => (tenantId === 'all' ? this.waiters.wakeAll() : this.waiters.changed(tenantId)));
  }

  /**
   * @param aborted ends the wait when the client has gone, or may no longer call: nothing is claimed for nobody
   * @throws Problem `agent_killed`, `agent_inactive`, `circuit_open`, and what `aborted` was aborted with
   */
  async claim({ max, lease_seconds, wait_seconds, board_id }: ClaimTasksDto, aborted: AbortSignal): Promise<Task[]> {
    const { tenantId, actor, requestId } = this.context;
    const request: ClaimRequest = { agentId: actor.id, max, leaseSeconds: lease_seconds, ...(board_id ? { boardId: board_id.toLowerCase() } : {}), ...(requestId ? { requestId } : {}) };
    const until = performance.now() + wait_seconds * 1000;
    for (;;) {
      throwIfRefused(aborted);
      const ticket = this.waiters.ticket(tenantId, actor.id);
      try {
        const { tasks, refusal, lanes, blocked } = await this.pastBreaker(tenantId, request);
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

  /** A breaker over the agent itself refuses the claim; a probe of it is one task. */
  private async pastBreaker(tenantId: string, request: ClaimRequest): Promise<ClaimResult> {
    const passage = await this.breakers.enter(tenantId, { kind: 'agent', name: request.agentId });
    if (!passage.probe) return this.batcher.add(tenantId, request);
    let taken: Task | undefined;
    try {
      const result = await this.batcher.add(tenantId, { ...request, max: 1 });
      [taken] = result.tasks;
      return result;
    } finally {
      await settleProbe(passage, taken?.id, this.logger);
    }
  }

  private async serveBatch(tenantId: string, requests: ClaimRequest[]): Promise<ClaimResult[]> {
    const probes = await ToolProbes.take(this.breakers, tenantId, (tools) => this.tools.awaited(tenantId, tools));
    const handedOut = new Set<string>();
    try {
      const results = await this.serveWith(tenantId, requests, probes);
      for (const { tasks } of results) for (const { id } of tasks) handedOut.add(id);
      return results;
    } finally {
      if (probes.some) await probes.settle(handedOut, this.logger);
    }
  }

  private async serveWith(tenantId: string, requests: ClaimRequest[], probes: ToolProbes): Promise<ClaimResult[]> {
    const agents = [...new Set(requests.map(({ agentId }) => agentId))];
    const { results, left } = await this.database.transactionHolding(tenantId, 'agents', agents, async (client, commitNow) => {
      const { claimants, candidates } = await this.repository.look(client, tenantId, requests, probes.refused);
      const claims = serve(requests, new Map(claimants.map((claimant) => [claimant.id, claimant])));
      const { given: found, left: leftOver } = distribute(claims, candidates);
      const given = probes.some ? probes.choose(found, await this.tools.within(client, tenantId, found.flat().map(({ taskId }) => taskId))) : found;
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
