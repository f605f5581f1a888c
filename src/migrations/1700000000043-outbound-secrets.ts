import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where calls that leave may take a secret: nowhere, unless somebody has said so. */
export class OutboundSecrets1700000000043 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`alter table secrets add column outbound_origins text[] not null default '{}'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table secrets drop column outbound_origins');
  }
}
