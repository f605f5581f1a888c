import { Injectable } from '@nestjs/common';
import type { CallTarget } from '../../platform/egress/breakers.port.js';
import { CircuitGate, type TaskPassage } from './circuit-gate.js';
import type { CircuitBreaker } from './circuit-breaker.entity.js';
import { CircuitBreakersRepository } from './circuit-breakers.repository.js';
import { KnownBreakers } from './known-breakers.js';

/** How a task ended. */
export interface TaskEnd {
  taskId: string;
  outcome: 'succeeded' | 'failed';
  targets: readonly CallTarget[];
  /** What told of it, and when it was. */
  key: string;
  at: Date;
}

/** Tools that no task is handed out for now; of those in `due` a probe may be. */
export interface RefusedTools {
  refused: string[];
  due: string[];
}

/** What those who hand out tasks ask of the circuit breakers. Not in a transaction. */
@Injectable()
export class CircuitBreakersReader {
  constructor(
    private readonly known: KnownBreakers,
    private readonly gate: CircuitGate,
    private readonly repository: CircuitBreakersRepository,
  ) {}

  /** From memory. */
  async refusedTools(tenantId: string): Promise<RefusedTools> {
    const known = await this.known.of(tenantId);
    const refused = new Set<string>();
    const notDue = new Set<string>();
    for (const breaker of known.all) {
      if (breaker.target_kind !== 'tool' || breaker.state === 'closed') continue;
      refused.add(breaker.target_name);
      if (breaker.state === 'open' && known.untilProbe(breaker) > 0) notDue.add(breaker.target_name);
    }
    return { refused: [...refused], due: [...refused].filter((tool) => !notDue.has(tool)) };
  }

  /**
   * Leave to hand out a task that needs this. What comes of the task is told by `taskEnded`.
   * @throws Problem `circuit_open`
   */
  enter(tenantId: string, target: CallTarget): Promise<TaskPassage> {
    return this.gate.enterForTask(tenantId, [target]);
  }

  /** Whether breakers of the tenant want to know how tasks end: `probes` alone, whatever else becomes of them. From memory. */
  async listensTo(tenantId: string): Promise<{ ends: boolean; probes: boolean }> {
    const breakers = (await this.known.of(tenantId)).all.filter(isOfTasks);
    return { ends: breakers.length > 0, probes: breakers.some(({ state }) => state === 'half_open') };
  }

  async taskEnded(tenantId: string, { taskId, outcome, targets, key, at }: TaskEnd): Promise<void> {
    const breakers = (await this.known.of(tenantId)).over(targets).filter(isOfTasks);
    await this.gate.taskEnded(breakers, taskId, outcome === 'succeeded', { at, key, reason: 'A task failed.' });
  }

  /** These tasks are no longer at work, and that says nothing about their tools: they are no probes any more. */
  tasksLeft(taskIds: readonly string[]): Promise<void> {
    return this.repository.freeTasks(taskIds);
  }

  /** Called in every process when breakers of a tenant (or of `all`) have changed. */
  onChanged(listener: (tenantId: string) => void): void {
    this.known.onChanged(listener);
  }
}

const isOfTasks = ({ target_kind: kind }: CircuitBreaker): boolean => kind === 'tool' || kind === 'agent';
