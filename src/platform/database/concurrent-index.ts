import type { QueryRunner } from 'typeorm';

/**
 * Makes an index while others write: an index made in a transaction holds every writer up until it is done, and the event
 * log's readers with them. The migration must have `transaction = false`, and may be run again after it was cut off.
 * @param index what stands behind `create index concurrently`: `name on table (columns) where …`
 * @see https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
 */
export async function createIndexConcurrently(queryRunner: QueryRunner, index: string): Promise<void> {
  const [name = ''] = index.split(' ');
  // One that was cut off is left behind, is never used, and costs each write.
  const [unfinished] = (await queryRunner.query('select 1 from pg_index where indexrelid = to_regclass($1) and not indisvalid', [name])) as object[];
  if (unfinished) await dropIndexConcurrently(queryRunner, name);
  await queryRunner.query(`create index concurrently if not exists ${index}`);
}

/** Takes an index away without holding up who uses its table. */
export async function dropIndexConcurrently(queryRunner: QueryRunner, name: string): Promise<void> {
  await queryRunner.query(`drop index concurrently if exists ${name}`);
}
