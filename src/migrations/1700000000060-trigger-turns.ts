import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Firings are taken of tenants in turns: an index of what waits of each. */
export class TriggerTurns1700000000060 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`create index trigger_firings_turns on trigger_firings (tenant_id, due_at) where status = 'pending'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop index trigger_firings_turns');
  }
}
