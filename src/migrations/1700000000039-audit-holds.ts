import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE, isolateTenants, SYSTEM_ROLE } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // Logs that are not sealed any further, because they are not what was sealed. "tx" and "row_id" say up to where each was: its later rows are
  // sealed when the hold ends. Without a reference to tenants: the tenant may be among what is gone.
  `create table audit_holds (
    tenant_id uuid primary key,
    tx bigint not null,
    row_id uuid not null,
    kind text not null,
    seq bigint not null,
    detail text not null,
    mark text,
    held_at timestamptz(3) not null default clock_timestamp()
  )`,
  ...isolateTenants('audit_holds'),
  `revoke insert, update, delete on audit_holds from ${APP_ROLE}`,
  // What the operator has accepted in place of what was sealed before: signed notes, of which one that was not signed is not taken.
  `create table audit_restores (
    tenant_id uuid not null,
    id uuid not null,
    note text not null,
    primary key (tenant_id, id)
  )`,
  ...isolateTenants('audit_restores'),
  `revoke update, delete on audit_restores from ${APP_ROLE}, ${SYSTEM_ROLE}`,
  `revoke insert on audit_restores from ${SYSTEM_ROLE}`,
  `create trigger insert_only before update or delete or truncate on audit_restores for each statement execute function refuse_change()`,
  `alter table audit_restores enable always trigger insert_only`,
];

/** Logs that were put back or changed are held, and what the operator accepts of that is on record. */
export class AuditHolds1700000000039 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table audit_restores');
    await queryRunner.query('drop table audit_holds');
  }
}
