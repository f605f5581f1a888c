import { Injectable } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import type { Task } from './task.entity.js';
import { TaskDependenciesRepository } from './task-dependencies.repository.js';
import { TaskReferencesService } from './task-references.service.js';

/** The columns of a task that its dependencies decide, and what they were and are. */
export interface DependencyChange {
  columns: Partial<Task>;
  before: string[];
  after: string[];
}

/** Changes what a task waits for, in the running transaction: also the way out when a dependency was cancelled. */
@Injectable()
export class TaskDependenciesService {
  constructor(
    private readonly repository: TaskDependenciesRepository,
    private readonly references: TaskReferencesService,
  ) {}

  /** To be called before the task is held: every change of dependencies holds this first, and tasks after. */
  begin(tenantId: string): Promise<void> {
    return this.repository.lockAll(tenantId);
  }

  /** @throws Problem `dependency_cycle`, `invalid_transition` for a task that has been started, `invalid_request` */
  async replace(task: Task, dependsOn: readonly string[]): Promise<DependencyChange> {
    if (!['inbox', 'queued', 'blocked'].includes(task.status)) {
      throw new Problem('invalid_transition', { detail: `The dependencies of a task that is ${task.status} are no longer changed.`, current: task.status });
    }
    const open = await this.references.countOpen(task.tenant_id, dependsOn);
    if (await this.repository.reaches(task.tenant_id, dependsOn, task.id)) throw new Problem('dependency_cycle');
    const before = await this.repository.of(task.tenant_id, task.id);
    await this.repository.replace(task.tenant_id, task.id, dependsOn);
    return { columns: columnsOf(task, open), before, after: dependsOn.map((id) => id.toLowerCase()).sort() };
  }
}

/** A task in the inbox stays there, one that waits for nothing more is let go; a retry that is due later keeps its time. */
function columnsOf({ status }: Task, open: number): Partial<Task> {
  if (status !== 'inbox' && open > 0) return { status: 'blocked', ready: false, waiting_for: open };
  return status === 'blocked' ? { status: 'queued', ready: true, waiting_for: 0 } : { waiting_for: open };
}
