import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page } from '../../core/page.js';
import { notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import type { PageQuery } from '../../platform/http/page.dto.js';
import { AgentTasksAccess } from './agent-tasks-access.js';
import type { TaskComment } from './task-comment.entity.js';
import { TaskCommentsRepository } from './task-comments.repository.js';
import { TaskUpdated } from './tasks.events.js';
import { TasksRepository } from './tasks.repository.js';
import { factOf } from './tasks.service.js';

/** Comments of people and agents. */
@Injectable()
export class TaskCommentsService {
  constructor(
    private readonly context: RequestContext,
    private readonly tasks: TasksRepository,
    private readonly repository: TaskCommentsRepository,
    private readonly access: AgentTasksAccess,
    private readonly audit: AuditPort,
    private readonly events: Events,
  ) {}

  /** @throws Problem `not_found` */
  @Transactional()
  async list(taskId: string, request: PageQuery): Promise<Page<TaskComment>> {
    const { tenantId } = this.context;
    const task = await this.tasks.find(tenantId, taskId);
    if (!task) throw notFound('task');
    await this.access.check(task);
    return this.repository.page(tenantId, taskId, request);
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async add(taskId: string, body: string): Promise<TaskComment> {
    const { tenantId, actor } = this.context;
    const task = await this.tasks.find(tenantId, taskId);
    if (!task) throw notFound('task');
    await this.access.check(task);
    const comment = await this.repository.insert(tenantId, taskId, body, actor);
    await this.tasks.touch(tenantId, taskId);
    if (actor.kind !== 'agent') await this.audit.record({ action: 'task.comment', resource: { type: 'task', id: taskId }, after: { comment_id: comment.id } });
    await this.events.publish(TaskUpdated, factOf(task));
    return comment;
  }
}
