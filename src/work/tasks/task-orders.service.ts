import { Injectable } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { validationPipe } from '../../platform/http/validation.js';
import { TaskCreationService } from './task-creation.service.js';
import { isEnded } from './task.machine.js';
import { CreateTaskDto } from './tasks.dto.js';
import { type EndedTask, type TaskOrder, TaskOrders } from './task-orders.port.js';
import { TasksRepository } from './tasks.repository.js';
import { TasksService } from './tasks.service.js';

/** Orders of other domains, held to the rules of the API. */
@Injectable()
export class TaskOrdersService extends TaskOrders {
  private readonly pipe = validationPipe();

  constructor(
    private readonly context: RequestContext,
    private readonly creation: TaskCreationService,
    private readonly tasks: TasksService,
    private readonly repository: TasksRepository,
  ) {
    super();
  }

  async create(orders: readonly TaskOrder[]): Promise<Map<string, Problem>> {
    const refused = new Map<string, Problem>();
    const valid = [];
    for (const { id, values, maker } of orders) {
      const request = await this.validated(values);
      if (request instanceof Problem) refused.set(id, request);
      else valid.push({ id, request, ...(maker === undefined ? {} : { maker }) });
    }
    if (valid.length === 0) return refused;
    const answers = await this.creation.createMany(valid);
    valid.forEach(({ id }, index) => {
      const answer = answers[index];
      if (answer instanceof Problem) refused.set(id, answer);
    });
    return refused;
  }

  async cancel(ids: readonly string[], reason: string): Promise<void> {
    // In one order for all who do so: two that hold several tasks each never wait for each other.
    for (const id of [...ids].sort()) {
      const task = await this.repository.lock(id);
      if (task && !isEnded(task.status)) await this.tasks.giveUp(task, reason);
    }
  }

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
