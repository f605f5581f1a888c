import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SYSTEM_ROLE } from '../platform/database/tenant-table.js';

/**
 * The planner's statistics hold samples of what stands in the columns. Only the owner may have them taken anew; from
 * PostgreSQL 18 on they can also be thrown away, which is needed where no row is left to sample.
 */
const FORGET_SAMPLES = `create function forget_samples(name text) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
  declare
    target oid := (select c.oid from pg_class c where c.relname = name and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace);
    sampled record;
  begin
    if target is null then raise exception 'there is no table %', name; end if;
    if current_setting('server_version_num')::int >= 180000 then
      for sampled in
        select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.oid = target or c.oid in (select i.indexrelid from pg_index i where i.indrelid = target and i.indexprs is not null)
      loop
        execute format('select pg_clear_attribute_stats(%L, %L, %L, false)', 'public', sampled.relname, sampled.attname);
      end loop;
    end if;
    execute format('analyze public.%I', name);
  end $$`;

/** Lets a purge take the samples away that statistics hold of what is gone. */
export class Samples1700000000036 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(FORGET_SAMPLES);
    await queryRunner.query('revoke all on function forget_samples(text) from public');
    await queryRunner.query(`grant execute on function forget_samples(text) to ${SYSTEM_ROLE}`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop function forget_samples(text)');
  }
}
