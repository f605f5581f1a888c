import type pg from 'pg';
import { signCheckpoint } from '../../core/audit/checkpoint.js';
import { leafOf, type LeafRow } from '../../core/audit/leaf.js';
import { GrowingTree, type Hash, type NodeId } from '../../core/audit/merkle.js';
import type { AuditSigner } from './audit-keys.js';

/** The part of a row that goes into its leaf, as one JSON value. @param row alias of audit_log */
export const leafRowOf = (row: string): string => `jsonb_build_object(
  'tenant_id', ${row}.tenant_id, 'id', ${row}.id, 'actor_kind', ${row}.actor_kind, 'actor_id', ${row}.actor_id, 'action', ${row}.action, 'outcome', ${row}.outcome,
  'resource_type', ${row}.resource_type, 'resource_id', ${row}.resource_id, 'request_id', ${row}.request_id,
  'occurred_at', to_char(${row}.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'content_hash', encode(${row}.content_hash, 'hex'),
  'subject', ${row}.subject_type || '/' || ${row}.subject_id)`;

export interface UnsealedRow {
  row: LeafRow;
  tx: string;
  /** Where the log was sealed up to when the row was read. */
  after_tx: string;
  after_id: string;
  now: Date;
  /** Whether the log of the row's tenant is not sealed any further. */
  held: boolean;
}

/** Rows behind the sealed ones whose transaction, and every older one, has ended. */
export const UNSEALED = `select ${leafRowOf('l')} as row, l.tx::text as tx, s.tx::text as after_tx, s.id as after_id, clock_timestamp() as now,
    l.tenant_id in (select tenant_id from audit_holds) as held
  from audit_sequencer s, lateral (
    select * from audit_log where (tx, id) > (s.tx, s.id) and tx < s.tx_offset + pg_snapshot_xmin(pg_current_snapshot())::text::bigint order by tx, id limit $1
  ) l order by l.tx, l.id`;

interface OfTenant {
  tenantId: string;
}

/** What is written for a batch of rows, with a statement for each table. */
export class SealBatch {
  readonly leaves: (OfTenant & { seq: number; rowId: string; hash: Hash })[] = [];
  readonly nodes: (OfTenant & NodeId & { hash: Hash })[] = [];
  readonly checkpoints: (OfTenant & { size: number; root: Hash; note: string; time: string; peaks: Buffer })[] = [];

  constructor(private readonly client: pg.Client) {}

  /** Holds the sequencer's place. @returns whether it is still where the rows were read */
  async begin({ after_tx, after_id }: UnsealedRow): Promise<boolean> {
    const { rowCount } = await this.client.query('select 1 from audit_sequencer where tx = $1 and id = $2 for update', [after_tx, after_id]);
    return rowCount === 1;
  }

  /** Adds a row to its tenant's tree. */
  add(tree: GrowingTree, { row }: Pick<UnsealedRow, 'row'>): void {
    const hash = leafOf(row, tree.size);
    this.leaves.push({ tenantId: row.tenant_id, seq: tree.size, rowId: row.id, hash });
    this.nodes.push(...tree.append(hash).map((node) => ({ tenantId: row.tenant_id, ...node })));
  }

  /** Signs what a tree has come to. */
  sign(tenantId: string, tree: GrowingTree, { key, originOf }: AuditSigner, now: Date): void {
    const checkpoint = { origin: originOf(tenantId), size: tree.size, root: tree.root(), time: now.toISOString() };
    this.checkpoints.push({ tenantId, ...checkpoint, note: signCheckpoint(checkpoint, key), peaks: tree.state });
  }

  async write(): Promise<void> {
    if (this.leaves.length === 0) return;
    const { leaves, nodes, checkpoints } = this;
    const column = <T, V>(items: readonly T[], value: (item: T) => V): V[] => items.map(value);
    await this.client.query('insert into audit_leaves (tenant_id, seq, row_id, leaf_hash) select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[])', [
      column(leaves, ({ tenantId }) => tenantId), column(leaves, ({ seq }) => seq), column(leaves, ({ rowId }) => rowId), column(leaves, ({ hash }) => hash),
    ]);
    await this.client.query('insert into audit_nodes (tenant_id, level, index, hash) select * from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bytea[])', [
      column(nodes, ({ tenantId }) => tenantId), column(nodes, ({ level }) => level), column(nodes, ({ index }) => index), column(nodes, ({ hash }) => hash),
    ]);
    const [tenants, sizes] = [column(checkpoints, ({ tenantId }) => tenantId), column(checkpoints, ({ size }) => size)];
    await this.client.query(
      `insert into audit_checkpoints (tenant_id, size, root, note, created_at) select * from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::text[], $5::timestamptz[])`,
      [tenants, sizes, column(checkpoints, ({ root }) => root), column(checkpoints, ({ note }) => note), column(checkpoints, ({ time }) => time)],
    );
    await this.client.query(
      `insert into audit_trees (tenant_id, size, peaks) select * from unnest($1::uuid[], $2::bigint[], $3::bytea[])
       on conflict (tenant_id) do update set size = excluded.size, peaks = excluded.peaks`,
      [tenants, sizes, column(checkpoints, ({ peaks }) => peaks)],
    );
  }

  /** Moves the sequencer's place behind a row. */
  async pass({ tx, row }: UnsealedRow): Promise<void> {
    await this.client.query('update audit_sequencer set tx = $1, id = $2', [tx, row.id]);
  }
}
