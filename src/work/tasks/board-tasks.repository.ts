import { Injectable } from '@nestjs/common';
import { BoardTasks } from '../../fleet/boards/board-tasks.port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';

/** The tasks of a board, as far as the fleet asks for them. */
@Injectable()
export class BoardTasksRepository extends BoardTasks {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {
    super();
  }

  async countOpen(boardId: string): Promise<number> {
    const row = await this.sql.row<{ open: number }>(
      `select count(*)::int as open from tasks where tenant_id = $1 and board_id = $2 and status not in ('completed', 'cancelled')`,
      [this.context.tenantId, boardId],
    );
    return row?.open ?? 0;
  }
}
