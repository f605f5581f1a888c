import { Injectable } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { validationPipe } from '../../platform/http/validation.js';
import { TaskCreationService } from './task-creation.service.js';
import { isEnded } from './task.machine.js';
import { CreateTaskDto } from './tasks.dto.js';
import { type EndedTask, TasksRepository } from './tasks.repository.js';
import { TasksService } from './tasks.service.js';

export type { EndedTask };

/** A task that another part of the plane wants, under an id that it waits for. */
export interface TaskOrder {
  id: string;
  /** As the body of `POST /tasks`; it is held to the same rules. */
  values: object;
}

/** Makes and cancels tasks for other domains, in their transaction: with it they are there, or not. */
@Injectable()
export class TaskOrders {
  private readonly pipe = validationPipe();

  constructor(
    private readonly context: RequestContext,
    private readonly creation: TaskCreationService,
    private readonly tasks: TasksService,
    private readonly repository: TasksRepository,
  ) {}

  /** @returns why a task was not made, by its id; one that is refused takes no other with it */
  async create(orders: readonly TaskOrder[]): Promise<Map<string, Problem>> {
    const refused = new Map<string, Problem>();
    const valid = [];
    for (const { id, values } of orders) {
      const request = await this.validated(values);
      if (request instanceof Problem) refused.set(id, request);
      else valid.push({ id, request });
    }
    if (valid.length === 0) return refused;
    const answers = await this.creation.createMany(valid);
    valid.forEach(({ id }, index) => {
      const answer = answers[index];
      if (answer instanceof Problem) refused.set(id, answer);
    });
    return refused;
  }

  /** Ends tasks that have not ended, whatever their boards say of it: nobody waits for them any more. Their leases are taken back at once. */
  async cancel(ids: readonly string[], reason: string): Promise<void> {
    // In one order for all who do so: two that hold several tasks each never wait for each other.
    for (const id of [...ids].sort()) {
      const task = await this.repository.lock(id);
      if (task && !isEnded(task.status)) await this.tasks.giveUp(task, reason);
    }
  }

  /** How tasks have ended: those of them that have. */
  ended(ids: readonly string[]): Promise<EndedTask[]> {
    return this.repository.ended(this.context.tenantId, ids);
  }

  private async validated(values: object): Promise<CreateTaskDto | Problem> {
    try {
      return (await this.pipe.transform(values, { type: 'body', metatype: CreateTaskDto })) as CreateTaskDto;
    } catch (error) {
      if (error instanceof Problem) return error;
      throw error;
    }
  }
}
