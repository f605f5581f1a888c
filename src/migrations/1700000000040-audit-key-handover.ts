import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SYSTEM_ROLE } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // A key that signs no more keeps its public half, sealed: nobody else can say of one that it was this installation's.
  `alter table audit_keys add column sealed_public bytea, add column handover text`,
  `comment on column audit_keys.handover is 'What the key before signed when it named this one as the next.'`,
  `grant update (sealed_key, sealed_public) on audit_keys to ${SYSTEM_ROLE}`,
];

/** The key that signs checkpoints can be replaced. */
export class AuditKeyHandover1700000000040 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`revoke update (sealed_key, sealed_public) on audit_keys from ${SYSTEM_ROLE}`);
    await queryRunner.query('alter table audit_keys drop column sealed_public, drop column handover');
  }
}
