import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import type { Page } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { Events } from '../../platform/events/events.js';
import type { PageQuery } from '../../platform/http/page.dto.js';
import type { DeadLetter } from './dead-letter.entity.js';
import { DeadLettersRepository } from './dead-letters.repository.js';
import type { DeadLetterStatsView } from './dead-letters.view.js';
import type { Task } from './task.entity.js';
import { isEnded } from './task.machine.js';
import { TaskLanesRepository } from './task-lanes.repository.js';
import { TaskSignal } from './task-signal.js';
import { TaskFailed, TaskUpdated } from './tasks.events.js';
import { TasksRepository } from './tasks.repository.js';
import { ended, factOf, stampOf, TasksService } from './tasks.service.js';

/** Tasks that were given up: looking at them, adding one by hand, starting them again. */
@Injectable()
export class DeadLettersService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: DeadLettersRepository,
    private readonly tasks: TasksRepository,
    private readonly taskService: TasksService,
    private readonly lanes: TaskLanesRepository,
    private readonly audit: AuditPort,
    private readonly events: Events,
    private readonly signal: TaskSignal,
  ) {}

  @Transactional()
  async list(request: PageQuery): Promise<Page<DeadLetter>> {
    return this.repository.page(this.context.tenantId, request);
  }

  @Transactional()
  async stats(): Promise<DeadLetterStatsView> {
    const { oldest_at, ...stats } = await this.repository.stats(this.context.tenantId);
    return { ...stats, oldest_at: oldest_at?.toISOString() ?? null };
  }

  /** Gives a task up by hand; its lease, if any, is taken back. @throws Problem `not_found`, `task_final` */
  @Transactional()
  async bury(taskId: string, reason: string): Promise<DeadLetter> {
    const task = await this.tasks.lock(taskId);
    if (!task) throw notFound('task');
    if (isEnded(task.status)) throw new Problem('task_final', { detail: `The task is ${task.status}.`, current: task.status });
    if (task.claimed_by) await this.tasks.endAttempt(task.tenant_id, task, 'cancelled', reason);
    const updated = await this.tasks.update(task.tenant_id, task.id, { ...ended('dead_letter'), error: reason });
    const letter = await this.repository.insert(task.tenant_id, task.id, task.title, reason);
    await this.audit.record({ action: 'dead_letter.create', resource: { type: 'task', id: task.id }, before: { status: task.status }, after: { status: updated.status, reason } });
    await this.events.publish(TaskFailed, { ...factOf(updated), holder_id: task.claimed_by, fence: Number(task.fence), error: reason, outcome: 'failed' });
    return letter;
  }

  /** Starts the task again at attempt 0, without a deadline that has passed. @throws Problem `not_found` */
  @Transactional()
  async retry(id: string): Promise<Task> {
    const letter = await this.repository.lock(id);
    if (!letter) throw notFound('dead letter');
    await this.repository.markRetried(letter.tenant_id, letter.id);
    return this.restart(letter.task_id, letter.id);
  }

  /** The same by the task's id, as the queue's document has it. @throws Problem `not_found`, `invalid_transition` */
  @Transactional()
  async retryTask(taskId: string): Promise<Task> {
    const letter = await this.repository.findByTask(this.context.tenantId, taskId);
    return letter ? this.retry(letter.id) : this.restart(taskId, null);
  }

  /** Starts all of them again, at the pace of DeadLetterPacer. @returns how many will be */
  @Transactional()
  async retryAll(reason?: string): Promise<number> {
    const accepted = await this.repository.requestRetries(this.context.tenantId, reason);
    await this.audit.record({ action: 'dead_letter.retry_all', detail: { accepted, ...(reason ? { reason } : {}) } });
    return accepted;
  }

  /** Removes the entry; the task stays a dead letter without one. @throws Problem `not_found` */
  @Transactional()
  async remove(id: string): Promise<void> {
    const letter = await this.repository.lock(id);
    if (!letter) throw notFound('dead letter');
    await this.repository.remove(letter.tenant_id, id);
    await this.audit.record({ action: 'dead_letter.delete', resource: { type: 'dead_letter', id }, before: { task_id: letter.task_id } });
  }

  private async restart(taskId: string, letterId: string | null): Promise<Task> {
    const task = await this.taskService.lock(taskId);
    if (task.status !== 'dead_letter') throw new Problem('invalid_transition', { detail: `The task is ${task.status}; only a dead letter is started again.`, current: task.status });
    // Its lane may have been removed since: a task that has ended keeps none.
    const lane = { lane_id: await this.lanes.idOf(task.tenant_id, task) };
    // With a deadline that has passed it would be given up again at once.
    const deadline = (await this.repository.isLate(task.tenant_id, taskId)) ? { deadline: null, deadline_exceeded: false } : {};
    const changes = { ...lane, ...(await this.taskService.queued(task)), ...deadline, attempts: 0, retry_count: 0, retried_from: letterId };
    const updated = await this.tasks.update(task.tenant_id, task.id, changes, stampOf(changes));
    await this.audit.record({ action: 'dead_letter.retry', resource: { type: 'task', id: taskId }, ...changesBetween(shownOf(task), shownOf(updated)) });
    await this.events.publish(TaskUpdated, factOf(updated));
    if (updated.ready) afterCommit(() => this.signal.ready(updated.tenant_id, updated.lane_id));
    return updated;
  }
}

/** What a retry may change of a task, as the audit log has it. */
const shownOf = ({ status, agent_id, deadline, deadline_exceeded }: Task): object => ({ status, agent_id, deadline: deadline?.toISOString() ?? null, deadline_exceeded });
