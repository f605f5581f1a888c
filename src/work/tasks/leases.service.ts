import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { notFound, Problem } from '../../core/problem.js';
import { type AgentCommand, AgentsReader } from '../../fleet/agents/agents.reader.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Batcher } from '../../platform/database/batcher.js';
import { isDatabaseAway } from '../../platform/database/database-problem.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { toProblem } from '../../platform/http/problem.filter.js';
import type { Usage } from '../../safeguards/usage/usage.port.js';
import { type AttemptEnd, AttemptsRepository } from './attempts.repository.js';
import { BoardCompletionsService } from './board-completions.service.js';
import { asAnswered } from './kept-answer.js';
import type { CompleteTaskDto, FailTaskDto, RenewLeaseDto } from './leases.dto.js';
import { type Completion, type Done, LeasesRepository, type Renewal, type RenewedTask } from './leases.repository.js';
import { endOfFailedAttempt } from './retry-policy.js';
import type { Task } from './task.entity.js';
import { TaskEndings } from './task-endings.port.js';
import { TaskSignal } from './task-signal.js';
import { TaskWaiters } from './task-waiters.js';

const MOST_ITEMS = 256;
const MOST_RUNNING = 2;
/** Of results in one statement, beyond the first. */
const MOST_CHARACTERS = 4_000_000;

const COMPLETIONS = {
  weigh: ({ result }: Completion): number => (result === undefined ? 0 : JSON.stringify(result).length),
  mostWeight: MOST_CHARACTERS,
  concernsAll: isDatabaseAway,
};

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
const ASK_RULES = Symbol('ask rules');

/** A lease that was extended, and what waits for its agent. */
export interface Renewed {
  task: RenewedTask;
  commands: AgentCommand[];
}

/** As much of a task as tells which one it is. */
type Named = Pick<Task, 'id' | 'fence'>;
type Answer<T = Task> = T | Problem | typeof ASK_RULES;

/**
 * What agents do with a task they hold: renew, complete, fail, release. Every write carries the fence of its lease; under
 * an older one, or after the lease has ended, it is `lease_lost`. Complete, fail and release are idempotent.
 */
@Injectable()
export class LeasesService {
  private readonly completions = new Batcher<Completion, Answer>(
    async (tenantId, inputs) => this.answersOf(tenantId, inputs, await this.repository.complete(tenantId, distinct(inputs))),
    MOST_ITEMS,
    MOST_RUNNING,
    COMPLETIONS,
  );
  /** Those of calls that complete several: they are not told what the tasks look like now. */
  private readonly manyCompletions = new Batcher<Completion, Answer<Named>>(
    async (tenantId, inputs) => this.answersOf(tenantId, inputs, await this.repository.completeMany(tenantId, distinct(inputs))),
    MOST_ITEMS,
    MOST_RUNNING,
    COMPLETIONS,
  );
  private readonly renewals = new Batcher<Renewal, Renewed | Problem>((tenantId, inputs) => this.renewBatch(tenantId, inputs), MOST_ITEMS, MOST_RUNNING, { concernsAll: isDatabaseAway });

  constructor(
    private readonly context: RequestContext,
    private readonly database: TenantDatabase,
    private readonly repository: LeasesRepository,
    private readonly attempts: AttemptsRepository,
    private readonly boards: BoardCompletionsService,
    private readonly waiters: TaskWaiters,
    private readonly agents: AgentsReader,
    private readonly signal: TaskSignal,
    private readonly eventSignal: EventSignal,
    private readonly endings: TaskEndings,
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

  /** @throws Problem `lease_lost`, `not_found`, and what the board's rules refuse */
  complete(taskId: string, request: CompleteTaskDto): Promise<Task> {
    return this.finish(this.completions, taskId, request);
  }

  /** Several at once, each for itself: one that is refused takes no other with it. @returns for each that it is done, or why not */
  async completeMany(requests: readonly CompletionRequest[]): Promise<(Named | Problem)[]> {
    const settled = await Promise.allSettled(requests.map((request) => this.finish(this.manyCompletions, request.id, request)));
    return settled.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : toProblem(outcome.reason)));
  }

  /**
   * A task without a board is completed together with others. One on a board comes back as `ASK_RULES`, and is completed
   * by itself under the board's rules.
   */
  private async finish<T extends Named>(batcher: Batcher<Completion, Answer<T>>, taskId: string, request: CompleteTaskDto): Promise<T | Task> {
    const { tenantId, actor, requestId } = this.context;
    const completion: Completion = {
      taskId: taskId.toLowerCase(),
      agentId: actor.id,
      fence: request.fence,
      result: request.result,
      outputFiles: request.output_files,
      status: 'completed',
      rulesAsked: false,
      usage: usageOf(request),
      requestId,
    };
    let answer: Answer<T | Task> = await batcher.add(tenantId, completion);
    if (answer === ASK_RULES) answer = (await this.boards.complete(tenantId, completion)) ?? (await this.whyNotAlone(tenantId, completion));
    const task = orThrow(answer);
    this.eventSignal.raise();
    this.endings.tell(tenantId, task);
    this.waiters.freed(tenantId, actor.id);
    return task;
  }

  /** @throws Problem `lease_lost`, `not_found` */
  fail(taskId: string, request: FailTaskDto): Promise<Task> {
    return this.end(taskId, request.fence, 'failed', (task) => ({ ...endOfFailedAttempt(task, 'failed', request.error, request.retryable), usage: usageOf(request) }));
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
    this.endings.tell(tenantId, task);
    this.waiters.freed(tenantId, actor.id);
    if (task.ready) this.signal.ready(tenantId, task.lane_id);
    return task;
  }

  /** What was done, and of what was not the reason. */
  private async answersOf<T extends Named>(tenantId: string, inputs: readonly Completion[], done: readonly (T & Done)[]): Promise<Answer<T | Task>[]> {
    const byWrite = new Map<string, Answer<T>>(done.map((task) => [keyOf({ taskId: task.id, agentId: task.done_by, fence: Number(task.fence) }), task]));
    const answers = inputs.map((input) => byWrite.get(keyOf(input)));
    if (answers.every((answer) => answer !== undefined)) return answers;
    return this.database.transaction(tenantId, async (client) => {
      const all: Answer<T | Task>[] = [];
      for (const [index, input] of inputs.entries()) all.push(answers[index] ?? (await this.whyNot(client, tenantId, input, ['completed'])));
      return all;
    });
  }

  private renewBatch(tenantId: string, inputs: Renewal[]): Promise<(Renewed | Problem)[]> {
    return this.database.transaction(tenantId, async (client) => {
      const renewing = this.repository.renew(client, tenantId, distinct(inputs));
      const waiting = this.agents.waitingCommands(client, tenantId, [...new Set(inputs.map(({ agentId }) => agentId))]);
      const [renewed, commands] = await Promise.all([renewing, waiting]);
      const byWrite = new Map(renewed.map((task) => [keyOf({ taskId: task.id, agentId: task.claimed_by ?? '', fence: Number(task.fence) }), task]));
      const answers: (Renewed | Problem)[] = [];
      for (const input of inputs) {
        const task = byWrite.get(keyOf(input));
        if (task) answers.push({ task, commands: commands.filter(({ agent_id }) => agent_id === input.agentId) });
        else answers.push(refusalOf(await this.whyNot(client, tenantId, input, [])));
      }
      return answers;
    });
  }

  private whyNotAlone(tenantId: string, write: Write): Promise<Answer> {
    return this.database.transaction(tenantId, (client) => this.whyNot(client, tenantId, { ...write, rulesAsked: true }, ['completed']));
  }

  /** The same answer again for a repeated call, the reason for all others. */
  private async whyNot(client: PoolClient, tenantId: string, write: Write, repeatOf: readonly string[]): Promise<Answer> {
    const found = await this.repository.outcomeOf(client, tenantId, write.taskId, write.fence);
    if (!found) return notFound('task');
    if (found.answer && found.outcome !== null && repeatOf.includes(found.outcome) && found.by === write.agentId) return asAnswered(found.task, found.answer);
    if (found.held && found.task.claimed_by === write.agentId && found.task.board_id !== null && write.rulesAsked === false) return ASK_RULES;
    const current = Number(found.task.fence);
    const why = current > write.fence ? `The task was claimed again with fence ${current}.` : `The lease of fence ${write.fence} is not held.`;
    return new Problem('lease_lost', { detail: why, current, limit: write.fence, errors: [{ field: 'fence', code: 'stale', message: why }] });
  }
}

/** One write, by whom and under which fence: at most one of a batch's writes about a task can match its row. */
const keyOf = ({ taskId, agentId, fence }: Write): string => `${taskId}/${agentId}/${fence}`;

/** The same write twice in one batch is made once, and both get its answer. */
function distinct<T extends Write>(inputs: readonly T[]): T[] {
  return [...new Map(inputs.map((input) => [keyOf(input), input])).values()];
}

/** A renewal that did not happen has no other answer than a refusal. */
function refusalOf(answer: Answer): Problem {
  return answer instanceof Problem ? answer : new Problem('lease_lost');
}

/** What the agent says that it has used; nothing where it says nothing. */
const usageOf = ({ usage }: Pick<CompleteTaskDto, 'usage'>): Usage | undefined => (usage ? { ...usage, model: usage.model ?? null } : undefined);

function orThrow<T>(outcome: Answer<T>): T {
  if (outcome === ASK_RULES) throw new Error('The rules were asked and are to be asked again.');
  if (outcome instanceof Problem) throw outcome;
  return outcome;
}
