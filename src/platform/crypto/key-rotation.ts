import type pg from 'pg';
import { ADVISORY_LOCKS } from '../database/advisory-locks.js';
import { commit } from '../database/system-database.js';
import { aboutKey } from './about-key.js';
import type { MasterKey } from './master-key.js';
import type { TenantKeyRow } from './tenant-keys.repository.js';

const BATCH = 100;
const NIL = '00000000-0000-0000-0000-000000000000';

type WrappedKeyRow = TenantKeyRow & { wrapped: Buffer };

/**
 * Puts every key of every tenant under another master key, while the planes work. Each batch is a statement of its own, and what
 * is done is seen in the rows: killed at any moment, it goes on where it was.
 */
export class KeyRotation {
  /** @param client a connection of the system role, for this alone */
  constructor(private readonly client: pg.ClientBase) {}

  /** @throws Error when another rotation is running */
  async begin(): Promise<void> {
    const { rows } = await this.client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [ADVISORY_LOCKS.keyRotation]);
    if (!rows[0]?.got) throw new Error('another rotation is running on this database');
  }

  /** The id of the master key that new keys are wrapped under now. */
  async currentId(): Promise<string | undefined> {
    const { rows } = await this.client.query<{ id: string }>('select id from master_keys where retiring_at is null');
    return rows[0]?.id;
  }

  /** Whether there is a key that another was put in the place of, and that something may still rest on. */
  async isUnderWay(): Promise<boolean> {
    const { rowCount } = await this.client.query('select 1 from master_keys where retiring_at is not null and retired_at is null limit 1');
    return rowCount === 1;
  }

  /** From its commit on nothing is wrapped under any other key: whoever is about to has finished, and others look again. */
  async switchTo(next: MasterKey): Promise<void> {
    await this.inTransaction(async () => {
      await this.client.query('update master_keys set retiring_at = now() where retiring_at is null and id <> $1', [next.id]);
      await this.client.query('insert into master_keys (id) values ($1) on conflict (id) do update set retiring_at = null, retired_at = null', [next.id]);
    });
  }

  /**
   * Wraps a batch of the keys that are under others anew.
   * @returns how many; 0 when there are none left
   * @throws Error when one is wrapped under a key that is not among `known`
   */
  async rewrapSome(next: MasterKey, known: ReadonlyMap<string, MasterKey>): Promise<number> {
    const rows = await this.some('master_key_id = any(array(select id from master_keys where id <> $1))', [next.id]);
    await this.rewrap(rows, next, known);
    return rows.length;
  }

  /**
   * Wraps those anew that are under a key already: a key service wraps with the latest version of its key.
   * @returns how many
   */
  async rewrapAgain(next: MasterKey, onProgress: (count: number) => void): Promise<number> {
    let last: string[] = [NIL, NIL];
    for (let total = 0; ; onProgress(total)) {
      const rows = await this.some('master_key_id = $1 and (tenant_id, id) > ($2::uuid, $3::uuid)', [next.id, ...last]);
      await this.rewrap(rows, next, new Map([[next.id, next]]));
      total += rows.length;
      const end = rows.at(-1);
      if (!end) return total;
      last = [end.tenant_id, end.id];
    }
  }

  private async some(condition: string, parameters: readonly unknown[]): Promise<WrappedKeyRow[]> {
    const { rows } = await this.client.query<WrappedKeyRow>(
      `select tenant_id, id, subject_type, subject_id, wrapped, master_key_id from tenant_keys
       where ${condition} and wrapped is not null and destroyed_at is null order by tenant_id, id limit ${BATCH}`,
      [...parameters],
    );
    return rows;
  }

  /** Nothing is locked while a key service is asked. What was destroyed meanwhile stays so. */
  private async rewrap(rows: readonly WrappedKeyRow[], next: MasterKey, known: ReadonlyMap<string, MasterKey>): Promise<void> {
    if (rows.length === 0) return;
    const wrapped = await Promise.all(rows.map((row) => rewrap(row, next, known)));
    await this.client.query(
      `with held as (
         select k.tenant_id, k.id, n.after from unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[]) as n (tenant_id, id, before, after)
         join tenant_keys k on k.tenant_id = n.tenant_id and k.id = n.id where k.wrapped = n.before order by k.tenant_id, k.id for update of k
       )
       update tenant_keys set wrapped = held.after, master_key_id = $1 from held where tenant_keys.tenant_id = held.tenant_id and tenant_keys.id = held.id`,
      [next.id, rows.map(({ tenant_id }) => tenant_id), rows.map(({ id }) => id), rows.map(({ wrapped: before }) => before), wrapped],
    );
  }

  /** Writes down that nothing rests on the others any more. */
  async retireOthers(next: MasterKey): Promise<void> {
    await this.client.query('update master_keys set retired_at = now() where id <> $1 and retired_at is null', [next.id]);
  }

  private async inTransaction<T>(work: () => Promise<T>): Promise<T> {
    await this.client.query('begin');
    try {
      const result = await work();
      await commit(this.client);
      return result;
    } catch (error) {
      await this.client.query('rollback');
      throw error;
    }
  }
}

async function rewrap(row: WrappedKeyRow, next: MasterKey, known: ReadonlyMap<string, MasterKey>): Promise<Buffer> {
  const master = known.get(row.master_key_id);
  if (!master) throw new Error(`keys are wrapped under ${row.master_key_id}, which was not given: put it behind the current key`);
  const plain = await master.unwrap(row.wrapped, aboutKey(row));
  try {
    return await next.wrap(plain, aboutKey(row));
  } finally {
    plain.fill(0);
  }
}
