import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';

const DEEPEST = 10;

/** Who made tasks, and those that they are parts of. */
@Injectable()
export class TaskMakersRepository {
  constructor(private readonly sql: Sql) {}

  /** Of each task the plane's own makers: its own first, then its parents'. */
  async of(tenantId: string, ids: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await this.sql.rows<{ id: string; makers: string[] }>(
      `with recursive line as (
         select id as root, id, parent_task_id, created_by_kind, created_by_id, 1 as depth from tasks where tenant_id = $1 and id = any($2::uuid[])
         union all
         select line.root, t.id, t.parent_task_id, t.created_by_kind, t.created_by_id, line.depth + 1 from line join tasks t on t.tenant_id = $1 and t.id = line.parent_task_id where line.depth < ${DEEPEST}
       )
       select root as id, array_agg(created_by_id order by depth) as makers from line where created_by_kind = 'system' group by root`,
      [tenantId, ids],
    );
    return new Map(rows.map(({ id, makers }) => [id, makers]));
  }
}
