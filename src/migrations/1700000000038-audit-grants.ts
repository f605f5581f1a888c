import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE, SYSTEM_ROLE } from '../platform/database/tenant-table.js';

/** What whoever adds a row may say. "tx" and "occurred_at" are the database's: they say where a row stands. */
const COLUMNS = [
  'id', 'tenant_id', 'actor_kind', 'actor_id', 'actor_label', 'actor_label_hash', 'action', 'outcome', 'resource_type', 'resource_id', 'request_id',
  'subject_type', 'subject_id', 'content_form', 'content', 'salt', 'content_hash', 'ip', 'user_agent', 'before', 'after', 'detail',
];

const STATEMENTS = [
  ...[APP_ROLE, SYSTEM_ROLE].flatMap((role) => [`revoke insert on audit_log from ${role}`, `grant insert (${COLUMNS.join(', ')}) on audit_log to ${role}`]),
  // No leaf stands before the first one, where nobody looks.
  `alter table audit_leaves add constraint audit_leaves_seq check (seq >= 0)`,
  // Keys are made by the system role, and destroyed in the transaction that erases: that is all that a request does to them.
  `revoke insert, update, delete on tenant_keys from ${APP_ROLE}`,
  `grant update (wrapped, destroyed_at, final) on tenant_keys to ${APP_ROLE}`,
  `revoke delete on tenant_keys from ${SYSTEM_ROLE}`,
];

/** Takes rights away that nobody needs, and that could hide something from the audit log's verification. */
export class AuditGrants1700000000038 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table audit_leaves drop constraint audit_leaves_seq');
    for (const role of [APP_ROLE, SYSTEM_ROLE]) await queryRunner.query(`grant insert on audit_log to ${role}`);
    await queryRunner.query(`grant insert, update, delete on tenant_keys to ${APP_ROLE}`);
    await queryRunner.query(`grant delete on tenant_keys to ${SYSTEM_ROLE}`);
  }
}
