import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';

/** Rows of `task_dependencies`: which tasks wait for which. */
@Injectable()
export class TaskDependenciesRepository {
  constructor(private readonly sql: Sql) {}

  /** One change of existing dependencies at a time in a tenant: two that are right by themselves can close a cycle. */
  async lockAll(tenantId: string): Promise<void> {
    await this.sql.execute(`select pg_advisory_xact_lock(hashtextextended('task-dependencies:' || $1, 0))`, [tenantId]);
  }

  async of(tenantId: string, taskId: string): Promise<string[]> {
    const rows = await this.sql.rows<{ depends_on: string }>('select depends_on from task_dependencies where tenant_id = $1 and task_id = $2 order by depends_on', [tenantId, taskId]);
    return rows.map(({ depends_on }) => depends_on);
  }

  /** Whether any of the tasks waits for this one, by however many steps, or is this one. */
  async reaches(tenantId: string, from: readonly string[], taskId: string): Promise<boolean> {
    const row = await this.sql.row<{ found: boolean }>(
      `with recursive before (id) as (
         select unnest($2::uuid[])
         union
         select d.depends_on from before join task_dependencies d on d.tenant_id = $1 and d.task_id = before.id
       )
       select exists (select from before where id = $3) as found`,
      [tenantId, from, taskId],
    );
    return row?.found ?? false;
  }

  async replace(tenantId: string, taskId: string, dependsOn: readonly string[]): Promise<void> {
    await this.sql.execute('delete from task_dependencies where tenant_id = $1 and task_id = $2', [tenantId, taskId]);
    await this.sql.execute('insert into task_dependencies (tenant_id, task_id, depends_on) select $1, $2, unnest($3::uuid[])', [tenantId, taskId, dependsOn]);
  }
}
