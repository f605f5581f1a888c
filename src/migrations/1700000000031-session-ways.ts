import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which provider of single sign-on a session came from; none when a password opened it. A provider that is off takes its sessions with it. */
export class SessionWays1700000000031 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table sessions add column provider_id uuid');
    await queryRunner.query('alter table mfa_challenges add column provider_id uuid');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table mfa_challenges drop column provider_id');
    await queryRunner.query('alter table sessions drop column provider_id');
  }
}
