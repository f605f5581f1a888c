import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // Agents that took part in runs which are gone with their workflow, by the outermost run: their words may stand in others of the family.
  `create table workflow_family_agents (
    tenant_id uuid not null references tenants (id) on delete cascade,
    root_run_id uuid not null,
    agent_id uuid not null,
    primary key (tenant_id, agent_id, root_run_id)
  )`,
  ...isolateTenants('workflow_family_agents'),
];

/** Deleting a workflow leaves no run behind of which a purge does not know whose words it holds. */
export class RunFamilies1700000000059 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table workflow_family_agents');
  }
}
