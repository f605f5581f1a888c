import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import type { Page } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Batcher } from '../../platform/database/batcher.js';
import { isDatabaseAway } from '../../platform/database/database-problem.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { Events } from '../../platform/events/events.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { BoardRulesService } from './board-rules.service.js';
import type { Task } from './task.entity.js';
import { checkByHand, isEnded, priorityRank } from './task.machine.js';
import { type DependencyChange, TaskDependenciesService } from './task-dependencies.service.js';
import { TaskLanesRepository } from './task-lanes.repository.js';
import { TaskReadsRepository } from './task-reads.repository.js';
import { TaskReferencesService } from './task-references.service.js';
import { TaskSignal } from './task-signal.js';
import { TaskCompleted, type TaskFact, TaskUpdated } from './tasks.events.js';
import type { ListTasksQuery } from './task-queries.dto.js';
import type { UpdateTaskDto } from './tasks.dto.js';
import { TasksRepository } from './tasks.repository.js';
import { type TaskDetails, toTaskView } from './tasks.view.js';

const MOST_READ = 64;
const MOST_READING = 4;

/** What a task is set to, besides its plain fields. */
type StatusByHand = Exclude<UpdateTaskDto['status'], undefined>;

/** Reading, changing and cancelling tasks. */
@Injectable()
export class TasksService {
  /** Tasks that are asked for while others are being read are read together, after that: none is older than its question. */
  private readonly readsTogether = new Batcher<string, TaskDetails | undefined>((tenantId, ids) => this.read(tenantId, ids), MOST_READ, MOST_READING, { concernsAll: isDatabaseAway });

  constructor(
    private readonly context: RequestContext,
    private readonly repository: TasksRepository,
    private readonly reads: TaskReadsRepository,
    private readonly lanes: TaskLanesRepository,
    private readonly references: TaskReferencesService,
    private readonly rules: BoardRulesService,
    private readonly dependencies: TaskDependenciesService,
    private readonly audit: AuditPort,
    private readonly events: Events,
    private readonly signal: TaskSignal,
  ) {}

  list(filter: ListTasksQuery): Promise<Page<Task>> {
    return this.reads.page(this.context.tenantId, filter);
  }

  /** @throws Problem `not_found` */
  async get(id: string): Promise<TaskDetails> {
    const details = await this.readsTogether.add(this.context.tenantId, id.toLowerCase());
    if (!details) throw notFound('task');
    return details;
  }

  private async read(tenantId: string, ids: readonly string[]): Promise<(TaskDetails | undefined)[]> {
    const found = new Map((await this.reads.details(tenantId, [...new Set(ids)])).map((details) => [details.task.id, details]));
    return ids.map((id) => found.get(id));
  }

  @Transactional()
  async stats(): ReturnType<TasksRepository['stats']> {
    return this.repository.stats(this.context.tenantId);
  }

  /** Changes fields; a change of status goes by the machine and the board's rules. */
  @Transactional()
  async update(id: string, request: UpdateTaskDto): Promise<Task> {
    const { tenantId } = this.context;
    const { status, action: _action, deadline, depends_on, ...fields } = request;
    // Before the task is held: who deletes an agent holds the agent first and its tasks after.
    await this.references.check(tenantId, fields);
    if (depends_on) await this.dependencies.begin(tenantId);
    const task = await this.lock(id);
    if (isEnded(task.status)) throw new Problem('task_final', { detail: `The task is ${task.status}.`, current: task.status });
    const changes: Partial<Task> = { ...given(fields) };
    if (deadline !== undefined) Object.assign(changes, { deadline: deadline === null ? null : new Date(deadline), deadline_exceeded: false });
    if (fields.priority) changes.priority_rank = priorityRank(fields.priority);
    if (fields.agent_id !== undefined || fields.board_id !== undefined || fields.required_tools !== undefined) {
      changes.lane_id = await this.lanes.idOf(tenantId, { ...task, ...given(fields) });
    }
    const dependencies = depends_on && (await this.dependencies.replace(task, depends_on));
    Object.assign(changes, dependencies?.columns);
    if (status !== undefined && status !== task.status) Object.assign(changes, await this.statusChange({ ...task, ...dependencies?.columns }, status));
    const updated = await this.repository.update(tenantId, id, changes, stampOf(changes));
    await this.recordChange('task.update', task, updated, dependencies);
    await this.publishUpdate(updated, task);
    this.announce(updated);
    return updated;
  }

  /** Ends a task that has not ended; its lease, if any, is taken back in the same transaction. */
  @Transactional()
  async cancel(id: string, reason?: string): Promise<Task> {
    const task = await this.lock(id);
    if (isEnded(task.status)) throw new Problem('task_final', { detail: `The task is ${task.status}.`, current: task.status });
    await this.rules.checkStatusChange(task, 'cancelled', this.context.actor);
    return this.giveUp(task, reason);
  }

  /** Cancels a task that the caller holds and that has not ended, whatever its board says of it. */
  async giveUp(task: Task, reason?: string): Promise<Task> {
    if (task.claimed_by) await this.repository.endAttempt(task.tenant_id, task, 'cancelled', reason ?? null);
    const updated = await this.repository.update(task.tenant_id, task.id, { ...ended('cancelled'), cancel_reason: reason ?? null }, ['completed_at']);
    await this.recordChange('task.cancel', task, updated);
    await this.publishUpdate(updated, task);
    return updated;
  }

  /** Cancels a task that waits; one that is being worked on or has ended is refused. */
  @Transactional()
  async cancelPending(id: string): Promise<Task> {
    const task = await this.lock(id);
    if (task.status === 'in_progress') throw new Problem('invalid_transition', { detail: 'The task is in progress.', current: task.status, remedy: 'Cancel it with POST /tasks/{id}/cancel.' });
    return this.cancel(id);
  }

  /** @throws Problem `not_found`, `precondition_failed` */
  async lock(id: string): Promise<Task> {
    const task = await this.repository.lock(id);
    if (!task) throw notFound('task');
    checkIfMatch(this.context.get('ifMatch'), task);
    return task;
  }

  /** Sets a status as a person or a board's agent may, in the running transaction. */
  async setStatus(task: Task, status: Exclude<StatusByHand, 'cancelled'>): Promise<Task> {
    const changes = await this.statusChange(task, status);
    const updated = await this.repository.update(task.tenant_id, task.id, changes, stampOf(changes));
    await this.publishUpdate(updated, task);
    this.announce(updated);
    return updated;
  }

  private async statusChange(task: Task, status: StatusByHand): Promise<Partial<Task>> {
    await this.rules.checkStatusChange(task, status, this.context.actor);
    if (status === 'cancelled') {
      if (task.claimed_by) await this.repository.endAttempt(task.tenant_id, task, 'cancelled', null);
      return ended('cancelled');
    }
    checkByHand(task.status, status);
    if (status === 'completed') return ended('completed');
    return status === 'queued' ? this.queued(task) : { status, ready: false };
  }

  /** The columns of a task that is let go: blocked while it waits for others, back in the inbox when its agent is gone. */
  async queued(task: Task): Promise<Partial<Task>> {
    if (task.agent_id && !(await this.references.agentExists(task.agent_id))) {
      return { status: 'inbox', ready: false, agent_id: null, lane_id: await this.lanes.idOf(task.tenant_id, { ...task, agent_id: null }) };
    }
    return task.waiting_for > 0 ? { status: 'blocked', ready: false } : { status: 'queued', ready: true };
  }

  private async publishUpdate(updated: Task, before: Task): Promise<void> {
    const completed = updated.status === 'completed' && before.status !== 'completed';
    const fact = { ...factOf(updated), holder_id: before.claimed_by };
    await (completed ? this.events.publish(TaskCompleted, { ...fact, fence: Number(updated.fence) }) : this.events.publish(TaskUpdated, fact));
  }

  /** Agents' own changes live in attempts and the event log; what people and keys change is audited. */
  private async recordChange(action: string, before: Task, after: Task, dependencies?: DependencyChange): Promise<void> {
    if (this.context.actor.kind === 'agent') return;
    const dependsOn = (ids: string[] | undefined): object => (ids ? { depends_on: ids } : {});
    const changes = changesBetween({ ...toTaskView(before), ...dependsOn(dependencies?.before) }, { ...toTaskView(after), ...dependsOn(dependencies?.after) });
    const author = await this.authorOf(before, Object.keys(changes.before));
    await this.audit.record({ action, resource: { type: 'task', id: after.id }, ...changes, ...(author ? { subject: { type: 'agent', id: author } } : {}) });
  }

  /** The agent that wrote what is changed: then the change is about that agent. */
  private async authorOf(task: Task, changed: readonly string[]): Promise<string | undefined> {
    if (task.created_by_kind === 'agent' && changed.some((field) => TOLD.includes(field))) return task.created_by_id;
    if (!changed.some((field) => PRODUCED.includes(field))) return undefined;
    return task.claimed_by ?? (await this.repository.lastAgent(task.tenant_id, task.id));
  }

  private announce(task: Task): void {
    if (task.ready) afterCommit(() => this.signal.ready(task.tenant_id, task.lane_id));
  }
}

/** What a task says, and what the agent that works on it says of it. */
const TOLD: readonly string[] = ['title', 'description', 'instructions', 'payload'];
const PRODUCED: readonly string[] = ['result', 'output_files', 'error', 'progress_note'];

/** The columns of a task that has ended: nobody holds it. */
export function ended(status: 'cancelled' | 'completed' | 'dead_letter'): Partial<Task> {
  return { status, ready: false, claimed_by: null, claimed_at: null, lease_expires_at: null, lease_seconds: null };
}

/** The times that a change of status sets, by the database's clock. */
export function stampOf({ status, ready }: Partial<Task>): ('completed_at' | 'available_at')[] {
  if (status === 'completed' || status === 'cancelled') return ['completed_at'];
  return ready ? ['available_at'] : [];
}

export function factOf(task: Pick<Task, 'id' | 'status' | 'agent_id' | 'claimed_by' | 'board_id'>): TaskFact {
  return { task_id: task.id, status: task.status, agent_id: task.agent_id, holder_id: task.claimed_by, board_id: task.board_id };
}

/** Without the fields that were left out. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
