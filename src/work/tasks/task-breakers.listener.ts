import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EventType, StoredEvent } from '../../core/event.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { CallTarget } from '../../platform/egress/breakers.port.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import { CircuitBreakersReader, type TaskEnd } from '../../safeguards/circuit-breakers/circuit-breakers.reader.js';
import { TaskToolsRepository } from './task-tools.repository.js';
import { TaskCompleted, type TaskFact, TaskFailed, TaskUpdated } from './tasks.events.js';

/**
 * Tells the circuit breakers over tools and agents how tasks end. Tenants without such breakers cost a look into memory. Told
 * twice, a failure counts once.
 */
@Injectable()
export class TaskBreakersListener implements OnModuleInit {
  constructor(
    private readonly consumers: EventConsumers,
    private readonly context: RequestContext,
    private readonly breakers: CircuitBreakersReader,
    private readonly tools: TaskToolsRepository,
  ) {}

  onModuleInit(): void {
    this.follow(TaskFailed, 'failed', 'ends');
    this.follow(TaskCompleted, 'succeeded', 'ends');
    // Given back, cancelled, held up: whatever else ends an attempt says nothing about the tool, and frees the probe.
    this.follow(TaskUpdated, 'abandoned', 'probes');
  }

  private follow(type: EventType<TaskFact>, outcome: TaskEnd['outcome'] | 'abandoned', wanted: 'ends' | 'probes'): void {
    this.consumers.onMany('task-breakers', type, async (facts) => {
      if (!(await this.breakers.listensTo(this.context.tenantId))[wanted]) return;
      await (outcome === 'abandoned' ? this.free(facts) : this.tell(facts, outcome));
    });
  }

  private async free(facts: readonly StoredEvent<TaskFact>[]): Promise<void> {
    const left = facts.flatMap(({ data }) => (data.status === 'in_progress' ? [] : [data.task_id]));
    if (left.length > 0) await this.breakers.tasksLeft(left);
  }

  private async tell(facts: readonly StoredEvent<TaskFact>[], outcome: TaskEnd['outcome']): Promise<void> {
    // What nobody held was not tried.
    const ended = facts.filter(({ data }) => data.holder_id !== null);
    if (ended.length === 0) return;
    const tools = await this.tools.of(ended.map(({ data }) => data.task_id));
    for (const { id, occurred_at: at, data } of ended) {
      const targets: CallTarget[] = (tools.get(data.task_id) ?? []).map((name) => ({ kind: 'tool', name }));
      if (data.holder_id !== null) targets.push({ kind: 'agent', name: data.holder_id });
      await this.breakers.taskEnded(this.context.tenantId, { taskId: data.task_id, outcome, targets, key: id, at: new Date(at) });
    }
  }
}
