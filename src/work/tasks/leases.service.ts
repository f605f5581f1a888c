import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { notFound, Problem } from '../../core/problem.js';
import { type AgentCommand, AgentsReader } from '../../fleet/agents/agents.reader.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Batcher } from '../../platform/database/batcher.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { toProblem } from '../../platform/http/problem.filter.js';
import { type AttemptEnd, AttemptsRepository } from './attempts.repository.js';
import { CompletionRulesService } from './completion-rules.service.js';
import type { CompleteTaskDto, FailTaskDto, RenewLeaseDto } from './leases.dto.js';
import { type Completion, LeasesRepository, type Renewal } from './leases.repository.js';
import { endOfFailedAttempt } from './retry-policy.js';
import type { Task } from './task.entity.js';
import { TaskSignal } from './task-signal.js';

const MOST_ITEMS = 256;
const MOST_RUNNING = 2;

/** An agent's completion of one task, before the board's rules have been asked. */
export interface CompletionRequest extends CompleteTaskDto {
  id: string;
}

/** A write under a lease, as far as its refusal must know it. */
interface Write {
  taskId: string;
  agentId: string;
  fence: number;
  rulesAsked?: boolean;
}

/** The task is held and on a board: its rules say where the completion leads. */
class AskRules {
  constructor(readonly task: Task) {}
}

/** A lease that was extended, and what waits for its agent. */
export interface Renewed {
  task: Task;
  commands: AgentCommand[];
}

type Answer = Task | Problem | AskRules;

/**
 * What agents do with a task they hold: renew, complete, fail, release. Every write carries the fence of its lease; under
 * an older one, or after the lease has ended, it is `lease_lost`. Complete, fail and release are idempotent.
 */
@Injectable()
export class LeasesService {
  private readonly completions = new Batcher<Completion, Answer>((tenantId, inputs) => this.completeBatch(tenantId, inputs), MOST_ITEMS, MOST_RUNNING);
  private readonly renewals = new Batcher<Renewal, Renewed | Problem>((tenantId, inputs) => this.renewBatch(tenantId, inputs), MOST_ITEMS, MOST_RUNNING);

  constructor(
    private readonly context: RequestContext,
    private readonly database: TenantDatabase,
    private readonly repository: LeasesRepository,
    private readonly attempts: AttemptsRepository,
    private readonly rules: CompletionRulesService,
    private readonly agents: AgentsReader,
    private readonly signal: TaskSignal,
    private readonly eventSignal: EventSignal,
  ) {}

  /** @throws Problem `lease_lost`, `not_found` */
  async renew(taskId: string, request: RenewLeaseDto): Promise<Renewed> {
    const { tenantId, actor } = this.context;
    const renewed = await this.renewals.add(tenantId, {
      taskId,
      agentId: actor.id,
      fence: request.fence,
      leaseSeconds: request.lease_seconds,
      progress: request.progress_percent,
      note: request.note,
    });
    if (renewed instanceof Problem) throw renewed;
    return renewed;
  }

  /**
   * A task without a board is completed at once. One on a board comes back as `ASK_RULES`, and goes again when its rules
   * have said where the completion leads.
   *
   * @throws Problem `lease_lost`, `not_found`, and what the board's rules refuse
   */
  async complete(taskId: string, request: CompleteTaskDto): Promise<Task> {
    const { tenantId, actor } = this.context;
    const completion = { taskId, agentId: actor.id, fence: request.fence, result: request.result, outputFiles: request.output_files };
    const first = await this.completions.add(tenantId, { ...completion, status: 'completed', rulesAsked: false });
    if (!(first instanceof AskRules)) return orThrow(first);
    const status = await this.rules.targetOf(first.task, actor.id);
    return orThrow(await this.completions.add(tenantId, { ...completion, status, rulesAsked: true }));
  }

  /** Several at once, each for itself: one that is refused takes no other with it. */
  async completeMany(requests: readonly CompletionRequest[]): Promise<(Task | Problem)[]> {
    const settled = await Promise.allSettled(requests.map((request) => this.complete(request.id, request)));
    return settled.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : toProblem(outcome.reason)));
  }

  /** @throws Problem `lease_lost`, `not_found` */
  fail(taskId: string, request: FailTaskDto): Promise<Task> {
    return this.end(taskId, request.fence, 'failed', (task) => endOfFailedAttempt(task, 'failed', request.error, request.retryable));
  }

  /** Gives the task back as if it had not been claimed. @throws Problem `lease_lost`, `not_found` */
  release(taskId: string, fence: number): Promise<Task> {
    return this.end(taskId, fence, 'released', (task) => ({ task, outcome: 'released', error: null, next: 'queued', delayMs: 0, countsAsRetry: false }));
  }

  private async end(taskId: string, fence: number, outcome: 'failed' | 'released', endOf: (task: Task) => AttemptEnd): Promise<Task> {
    const { tenantId, actor, requestId } = this.context;
    const result = await this.database.transaction(tenantId, async (client) => {
      const task = await this.repository.hold(client, tenantId, taskId, actor.id, fence);
      if (!task) return this.whyNot(client, tenantId, { taskId, agentId: actor.id, fence }, [outcome]);
      const [ended] = await this.attempts.end(client, tenantId, [endOf(task)], requestId);
      return ended ?? new Problem('lease_lost');
    });
    const task = orThrow(result);
    this.eventSignal.raise();
    if (task.ready) this.signal.ready(tenantId, task.lane_id);
    return task;
  }

  private async completeBatch(tenantId: string, inputs: Completion[]): Promise<Answer[]> {
    const tasks = await this.repository.complete(tenantId, distinct(inputs), this.context.requestId);
    this.eventSignal.raise();
    const done = new Map(tasks.map((task) => [task.id, task]));
    const all = inputs.flatMap(({ taskId }) => done.get(taskId) ?? []);
    if (tasks.length === inputs.length) return all;
    return this.database.transaction(tenantId, (client) => this.answers(client, tenantId, inputs, tasks, ['completed']));
  }

  private renewBatch(tenantId: string, inputs: Renewal[]): Promise<(Renewed | Problem)[]> {
    return this.database.transaction(tenantId, async (client) => {
      const tasks = await this.repository.renew(client, tenantId, distinct(inputs));
      const answers = await this.answers(client, tenantId, inputs, tasks, []);
      const commands = await this.agents.waitingCommands(client, tenantId, [...new Set(inputs.map(({ agentId }) => agentId))]);
      return answers.map((answer, index) => (answer instanceof Problem ? answer : { task: orThrow(answer), commands: commands.filter(({ agent_id }) => agent_id === inputs[index]?.agentId) }));
    });
  }

  private async answers(client: PoolClient, tenantId: string, inputs: readonly Write[], tasks: Task[], repeatOf: readonly string[]): Promise<Answer[]> {
    const done = new Map(tasks.map((task) => [task.id, task]));
    const made = new Set(distinct(inputs));
    const answers: Answer[] = [];
    for (const input of inputs) {
      const task = made.has(input) ? done.get(input.taskId) : undefined;
      answers.push(task ?? (await this.whyNot(client, tenantId, input, repeatOf)));
    }
    return answers;
  }

  /** The same answer again for a repeated call, the reason for all others. */
  private async whyNot(client: PoolClient, tenantId: string, write: Write, repeatOf: readonly string[]): Promise<Answer> {
    const found = await this.repository.outcomeOf(client, tenantId, write.taskId, write.fence);
    if (!found) return notFound('task');
    if (found.outcome !== null && repeatOf.includes(found.outcome) && found.by === write.agentId) return found.task;
    if (found.held && found.task.claimed_by === write.agentId && found.task.board_id !== null && write.rulesAsked === false) return new AskRules(found.task);
    const current = Number(found.task.fence);
    const why = current > write.fence ? `The task was claimed again with fence ${current}.` : `The lease of fence ${write.fence} is not held.`;
    return new Problem('lease_lost', { detail: why, current, limit: write.fence, errors: [{ field: 'fence', code: 'stale', message: why }] });
  }
}

/** Two writes about one task in one batch would update one row twice: the first of each task goes, the rest are looked up. */
function distinct<T extends { taskId: string }>(inputs: readonly T[]): T[] {
  return [...new Map([...inputs].reverse().map((input) => [input.taskId, input])).values()];
}

function orThrow(outcome: Answer): Task {
  if (outcome instanceof AskRules) throw new Error('The rules were asked and are to be asked again.');
  if (outcome instanceof Problem) throw outcome;
  return outcome;
}
