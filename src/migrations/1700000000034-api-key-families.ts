import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The key that a family of keys began with, each made with another: whoever makes or revokes one of them holds that row. */
export class ApiKeyFamilies1700000000034 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table api_keys add column root_id uuid');
    // The owner sees no rows while row-level security is forced on it.
    await queryRunner.query('alter table api_keys no force row level security');
    await queryRunner.query(
      `with recursive families as (
         select tenant_id, id, id as root_id from api_keys where parent_id is null
         union all select k.tenant_id, k.id, f.root_id from api_keys k join families f on k.tenant_id = f.tenant_id and k.parent_id = f.id
       ) update api_keys k set root_id = f.root_id from families f where k.tenant_id = f.tenant_id and k.id = f.id`,
    );
    await queryRunner.query('alter table api_keys force row level security');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table api_keys drop column root_id');
  }
}
