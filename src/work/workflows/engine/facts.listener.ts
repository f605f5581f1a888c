import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { StoredEvent } from '../../../core/event.js';
import { isPersonal, roleSees } from '../../../core/event-families.js';
import { matchesEvent } from '../../../core/event-pattern.js';
import { Batcher } from '../../../platform/database/batcher.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { afterCommit } from '../../../platform/database/tenant-transaction.adapter.js';
import { EventConsumers } from '../../../platform/events/event-consumers.js';
import { ApprovalDecided } from '../../../safeguards/approvals/approvals.events.js';
import { TaskEndings } from '../../tasks/task-endings.port.js';
import { type EndedTask, TaskOrders } from '../../tasks/task-orders.port.js';
import { TaskCompleted, TaskFailed, TaskUpdated } from '../../tasks/tasks.events.js';
import { AwaitedRepository, type AwaitingStep } from './awaited.repository.js';
import { completedFact, failedFact } from './effects.js';
import { RunSignal } from './run-signal.js';
import { type NewFact, RunsRepository } from './runs.repository.js';

type Decided = NonNullable<(typeof ApprovalDecided)['__data']>;

const OF_TASKS = new Set([TaskCompleted.name, TaskFailed.name, TaskUpdated.name]);
/** What a task can be that a step need not wait for any more. */
const ENDINGS = new Set(['completed', 'cancelled', 'dead_letter']);
/** So many steps hear of one event at most; a wait for an event that thousands wait for is heard of by the oldest. */
const MOST_HEARERS = 10_000;
/** Written together: each has a copy of its event. */
const MOST_AT_ONCE = 2_000;

/**
 * Makes facts for runs of what happens elsewhere: tasks that end, and events that steps wait for. A fact that is made twice, because its
 * event was delivered twice, finds its step gone on and changes nothing.
 */
@Injectable()
export class FactsListener implements OnModuleInit {
  private readonly logger = new Logger(FactsListener.name);
  /** Ends of tasks that this process has just seen: told without the way through the event log. */
  private readonly atOnce = new Batcher<string, void>(async (tenantId, taskIds) => {
    await this.context.runAsSystem(tenantId, 'workflow-facts', () => this.hearEnded(taskIds));
    return taskIds.map(() => undefined);
  }, MOST_AT_ONCE, 1);

  constructor(
    private readonly consumers: EventConsumers,
    private readonly context: RequestContext,
    private readonly tasks: TaskOrders,
    private readonly awaited: AwaitedRepository,
    private readonly runs: RunsRepository,
    private readonly signal: RunSignal,
    private readonly endings: TaskEndings,
  ) {}

  onModuleInit(): void {
    this.consumers.onAll('workflow-facts', (events) => this.hear(events));
    this.endings.onEnded((tenantId, taskId) => {
      // The log tells what is missed here.
      this.atOnce.add(tenantId, taskId).catch((error: unknown) => this.logger.warn({ err: error, task: taskId }, 'The end of a task is told to its run by the event log.'));
    });
  }

  @Transactional()
  async hear(events: readonly StoredEvent[]): Promise<void> {
    const facts = [...(await this.ofTasks(events)), ...(await this.ofApprovals(events)), ...(await this.ofEvents(events))];
    await this.tell(facts);
  }

  @Transactional()
  protected async hearEnded(taskIds: readonly string[]): Promise<void> {
    await this.tell(await this.endsOf(taskIds));
  }

  private async tell(facts: readonly NewFact[]): Promise<void> {
    if (facts.length === 0) return;
    await this.runs.addFacts(this.context.tenantId, facts);
    afterCommit(() => this.signal.raise());
  }

  private async ofTasks(events: readonly StoredEvent[]): Promise<NewFact[]> {
    const ids = events.flatMap(({ name, data }) => (OF_TASKS.has(name) && ENDINGS.has(String(data['status'])) ? [String(data['task_id'])] : []));
    return this.endsOf(ids);
  }

  /** What tasks that have ended are to the steps that wait for them. */
  private async endsOf(ids: readonly string[]): Promise<NewFact[]> {
    if (ids.length === 0) return [];
    const steps = await this.awaited.byIds(this.context.tenantId, 'task', ids);
    if (steps.length === 0) return [];
    const ended = new Map((await this.tasks.ended(steps.map(({ id }) => id))).map((task) => [task.id, task]));
    return steps.flatMap((step) => {
      const task = ended.get(step.id);
      return task ? [factOf(step, task)] : [];
    });
  }

  private async ofApprovals(events: readonly StoredEvent[]): Promise<NewFact[]> {
    const decided = new Map(events.flatMap((event) => (event.name === ApprovalDecided.name ? [[String(event.data['approval_id']), event.data as unknown as Decided] as const] : [])));
    if (decided.size === 0) return [];
    const steps = await this.awaited.byIds(this.context.tenantId, 'approval', [...decided.keys()]);
    return steps.flatMap((step) => {
      const decision = decided.get(step.id);
      return decision ? [decisionFact(step, decision)] : [];
    });
  }

  private async ofEvents(events: readonly StoredEvent[]): Promise<NewFact[]> {
    const patterns = await this.awaited.patterns(this.context.tenantId);
    const facts: NewFact[] = [];
    for (const pattern of patterns) {
      // Whoever may read workflows sees what their steps have heard.
      const meant = events.filter(({ name, data }) => matchesEvent(pattern, name) && roleSees('user', name) && !isPersonal(name, data));
      if (meant.length === 0) continue;
      const steps = await this.awaited.byPattern(this.context.tenantId, pattern, MOST_HEARERS);
      for (const event of meant) {
        const { id, name, occurred_at, data } = event;
        const happened = new Date(occurred_at);
        if (facts.length > MOST_AT_ONCE) await this.tell(facts.splice(0));
        facts.push(...steps.filter(({ started_at }) => started_at === null || started_at <= happened).map((step) => completedFact(step, { id, name, occurred_at, data })));
      }
    }
    return facts;
  }
}

/** How a task has ended, for the step that waits for it. Its tries are the task's own affair: what comes here is the end. */
function factOf(step: AwaitingStep, { status, result, error, cancel_reason }: EndedTask): NewFact {
  if (status === 'completed') return completedFact(step, result);
  if (status === 'cancelled') return failedFact(step, { code: 'task_cancelled', message: cancel_reason ?? 'The task was cancelled.', passing: false });
  return failedFact(step, { code: 'task_failed', message: error ?? 'The task failed.', passing: true });
}

/** One that was rejected or has run out is not tried again by itself: people have said no, or have not said anything in time. */
function decisionFact(step: AwaitingStep, { approval_id, status, approvers, note }: Decided): NewFact {
  const output = { approval_id, status, approvers, note };
  if (status === 'approved') return completedFact(step, output);
  return failedFact(step, { code: `approval_${status}`, message: note ?? `The approval was ${status}.`, passing: false }, output);
}
