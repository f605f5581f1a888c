import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lanes that no task waits in can be removed: since when one has been seen without. */
export class LaneRemoval1700000000006 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table task_lanes add column idle_since timestamptz(3)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table task_lanes drop column idle_since');
  }
}
