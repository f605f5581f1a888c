import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A step that was undone and is tried again makes calls of their own: with their old key the other side would answer what it has taken back. */
export class UndoneTries1700000000056 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table workflow_steps add column undone_tries integer not null default 0');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table workflow_steps drop column undone_tries');
  }
}
