import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Runs that are left alone for a while are looked for several times a second, among all that there ever were. */
export class BrokenRuns1700000000055 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('create index workflow_runs_broken on workflow_runs (broken_until) where broken_until is not null');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop index workflow_runs_broken');
  }
}
