import { Injectable } from '@nestjs/common';
import { validationPipe } from '../../platform/http/validation.js';
import { TaskCreationService } from './task-creation.service.js';
import { TaskIntake } from './task-intake.port.js';
import { CreateTaskDto } from './tasks.dto.js';

/** What other domains order is checked as what callers send. */
@Injectable()
export class TaskIntakeService extends TaskIntake {
  private readonly pipe = validationPipe();

  constructor(private readonly creation: TaskCreationService) {
    super();
  }

  async create(values: object): Promise<{ id: string }> {
    const order = (await this.pipe.transform(values, { type: 'body', metatype: CreateTaskDto })) as CreateTaskDto;
    return this.creation.create(order);
  }
}
