import { Injectable } from '@nestjs/common';

/** Where to be told of an ended task: its tenant, its id. */
type Hearer = (tenantId: string, taskId: string) => void;

/**
 * Tells at once, in the process in which it happens, that an agent has ended a task that a part of the plane had made. A hint, behind the
 * commit: who must not miss any follows the event log, which tells it too, some 50 ms later.
 */
@Injectable()
export class TaskEndings {
  private readonly hearers: Hearer[] = [];

  onEnded(hearer: Hearer): void {
    this.hearers.push(hearer);
  }

  /** @param task as it is now */
  tell(tenantId: string, task: { id: string; created_by_kind?: string }): void {
    if (task.created_by_kind === 'system') for (const hearer of this.hearers) hearer(tenantId, task.id);
  }
}
