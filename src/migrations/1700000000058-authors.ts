import type { MigrationInterface, QueryRunner } from 'typeorm';

const KEPT = ['triggers', 'workflows', 'api_keys'];

/** The person who wrote a trigger or a workflow last, also with a key: they approve nothing that it asks for by itself. */
export class Authors1700000000058 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table triggers add column author text');
    await queryRunner.query('alter table workflows add column author text');
    // The owner is under the row-level security that it forces.
    for (const table of KEPT) await queryRunner.query(`alter table ${table} no force row level security`);
    for (const table of ['triggers', 'workflows']) {
      await queryRunner.query(`update ${table} t set author = case t.created_by_kind when 'api_key' then 'user:' || (select k.owner_id from api_keys k where k.tenant_id = t.tenant_id and k.id::text = t.created_by_id) else t.created_by_kind || ':' || t.created_by_id end`);
    }
    for (const table of KEPT) await queryRunner.query(`alter table ${table} force row level security`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table triggers drop column author');
    await queryRunner.query('alter table workflows drop column author');
  }
}
