import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The session in which a person began to link a provider: the link is made only while that session is open. */
export class SsoLinks1700000000035 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table sso_flows add column link_session_id uuid');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table sso_flows drop column link_session_id');
  }
}
