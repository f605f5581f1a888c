import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  // The version whose value this one has again, so that destroying a value reaches every version that has it.
  `alter table secret_versions add column copy_of integer`,
  // What came of the rotation by the clock since it last worked. "rotation_error" is the code of a problem.
  `alter table secrets add column rotation_failures integer not null default 0, add column rotation_error text`,
  `create index secrets_failing on secrets (tenant_id) where rotation_failures > 0`,
];

/** Versions know whose value they have; a rotation that fails is tried again later, and says why. */
export class SecretCopies1700000000041 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table secrets drop column rotation_failures, drop column rotation_error');
    await queryRunner.query('alter table secret_versions drop column copy_of');
  }
}
