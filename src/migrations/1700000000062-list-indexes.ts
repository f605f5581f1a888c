import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createIndexConcurrently, dropIndexConcurrently } from '../platform/database/concurrent-index.js';

/** For filters that few rows fit. Where nearly all rows have one value (done, delivered, medium), the others alone are kept. */
const MADE = [
  // In the order of bytes, whatever the database's collation: `action=task.*` is a range of it.
  `audit_log_actions on audit_log (tenant_id, action collate "C", id)`,
  `audit_log_outcome on audit_log (tenant_id, outcome, id) where outcome <> 'done'`,
  `tasks_priority on tasks (tenant_id, priority, id) where priority <> 'medium'`,
  `tasks_overdue on tasks (tenant_id, id) where deadline_exceeded`,
  `trigger_firings_status on trigger_firings (tenant_id, trigger_id, status, id)`,
  `webhook_deliveries_undone on webhook_deliveries (tenant_id, status, id) where status <> 'delivered'`,
  `webhook_deliveries_undone_of on webhook_deliveries (tenant_id, webhook_id, status, id) where status <> 'delivered'`,
  `webhook_payloads_undone on webhook_payloads (tenant_id, webhook_id, status, id) where status <> 'done'`,
  `workflow_runs_status_of on workflow_runs (tenant_id, workflow_id, status, id)`,
  `workflow_runs_started_by on workflow_runs (tenant_id, started_by_kind, id)`,
];
/** What others do the work of. */
const DROPPED = [`audit_log_action on audit_log (tenant_id, action, id)`, `webhook_deliveries_dead on webhook_deliveries (tenant_id, id) where status = 'dead'`];

const nameOf = (index: string): string => index.split(' ')[0] ?? '';

/** Lists go over no more rows than they count, whatever is asked for: see test/contract/lists.test.ts. */
export class ListIndexes1700000000062 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const index of MADE) await createIndexConcurrently(queryRunner, index);
    for (const index of DROPPED) await dropIndexConcurrently(queryRunner, nameOf(index));
  }

  /** TypeORM takes migrations back in a transaction, whatever they say. */
  async down(queryRunner: QueryRunner): Promise<void> {
    for (const index of DROPPED) await queryRunner.query(`create index ${index}`);
    for (const index of MADE) await queryRunner.query(`drop index ${nameOf(index)}`);
  }
}
