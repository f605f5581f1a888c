import { Injectable } from '@nestjs/common';
import { BoardTasks } from '../../fleet/boards/board-tasks.port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { TasksRepository } from './tasks.repository.js';

/** Tells the boards what is still to be done on one that someone wants to delete. */
@Injectable()
export class BoardTasksService extends BoardTasks {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: TasksRepository,
  ) {
    super();
  }

  countOpen(boardId: string): Promise<number> {
    return this.repository.countOpenOnBoard(this.context.tenantId, boardId);
  }
}
