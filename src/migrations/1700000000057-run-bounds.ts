import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a run holds is counted, and runs that stand in each other are known by the outermost: words of an agent pass between them. */
export class RunBounds1700000000057 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table workflow_runs add column content_size integer not null default 0, add column root_run_id uuid');
    // The owner is under the row-level security that it forces.
    await queryRunner.query('alter table workflow_runs no force row level security');
    await queryRunner.query(`with recursive families as (
        select tenant_id, id, id as root from workflow_runs where parent_run_id is null
        union all
        select r.tenant_id, r.id, f.root from workflow_runs r join families f on f.tenant_id = r.tenant_id and f.id = r.parent_run_id
      )
      update workflow_runs r set root_run_id = f.root from families f where f.tenant_id = r.tenant_id and f.id = r.id`);
    // Of one whose parent is gone.
    await queryRunner.query('update workflow_runs set root_run_id = id where root_run_id is null');
    await queryRunner.query('alter table workflow_runs force row level security');
    await queryRunner.query('alter table workflow_runs alter column root_run_id set not null');
    await queryRunner.query('create index workflow_runs_root on workflow_runs (tenant_id, root_run_id)');
    // What a purge erases of an agent is found by the tasks that it had.
    await queryRunner.query('create index task_attempts_agent on task_attempts (tenant_id, agent_id) where agent_id is not null');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop index task_attempts_agent');
    await queryRunner.query('alter table workflow_runs drop column content_size, drop column root_run_id');
  }
}
