import { Injectable } from '@nestjs/common';
import { newId } from '../../core/ids.js';
import type { Page } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import type { PageQuery } from '../../platform/http/page.dto.js';
import { TaskComment } from './task-comment.entity.js';

/** Rows of `task_comments`. */
@Injectable()
export class TaskCommentsRepository {
  constructor(private readonly sql: Sql) {}

  async insert(tenantId: string, taskId: string, body: string, author: { kind: string; id: string }): Promise<TaskComment> {
    const row = await this.sql.row<TaskComment>(
      'insert into task_comments (tenant_id, id, task_id, body, author_kind, author_id) values ($1, $2, $3, $4, $5, $6) returning *',
      [tenantId, newId(), taskId, body, author.kind, author.id],
    );
    if (!row) throw new Error('An insert returned no row.');
    return row;
  }

  page(tenantId: string, taskId: string, request: PageQuery): Promise<Page<TaskComment>> {
    const query = this.sql.manager
      .createQueryBuilder(TaskComment, 'comment')
      .where('comment.tenant_id = :tenantId and comment.task_id = :taskId', { tenantId, taskId });
    return pageOfQuery(query, request);
  }

  async count(tenantId: string, taskId: string): Promise<number> {
    const row = await this.sql.row<{ count: number }>('select count(*)::int as count from task_comments where tenant_id = $1 and task_id = $2', [tenantId, taskId]);
    return row?.count ?? 0;
  }
}
