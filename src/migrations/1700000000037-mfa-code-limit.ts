import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Codes that were tried since the last right one: at some number the authenticator is not asked any more. */
export class MfaCodeLimit1700000000037 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table user_mfa add column codes_tried integer not null default 0');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table user_mfa drop column codes_tried');
  }
}
